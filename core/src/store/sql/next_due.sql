-- next_due: how long until something in partition $1 is to be tried again or looked at.
-- Moves:  nothing
-- Locks:  nothing.
-- Index:  dispatch_waiting, timers_due
-- Clock:  the database's.
SELECT greatest(0, ceil(extract(epoch FROM first.due_at - present()) * 1000))::bigint AS due_ms, first.is_timer
FROM (
    (SELECT ready_at AS due_at, false AS is_timer
     FROM dispatch
     WHERE partition = $1 AND state = 'RETRY_WAIT' AND NOT paused
     ORDER BY ready_at
     LIMIT 1)
    UNION ALL
    (SELECT due_at, true FROM timers WHERE partition = $1 ORDER BY due_at LIMIT 1)
) AS first
ORDER BY first.due_at
