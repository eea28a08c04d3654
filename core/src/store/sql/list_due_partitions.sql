-- list_due_partitions: the partitions that have something to be tried again or looked at, and how long until the first of it.
-- Moves:  nothing
-- Locks:  nothing.
-- Index:  dispatch_waiting, timers_due; one look into each for each of the 64 partitions.
-- Clock:  the database's.
SELECT p::smallint AS partition, greatest(0, ceil(extract(epoch FROM first.due_at - present()) * 1000))::bigint AS due_ms
FROM generate_series(0, 63) AS p
CROSS JOIN LATERAL (
    SELECT least(
        (SELECT ready_at
         FROM dispatch
         WHERE partition = p::smallint AND state = 'RETRY_WAIT' AND NOT paused
         ORDER BY ready_at
         LIMIT 1),
        (SELECT due_at FROM timers WHERE partition = p::smallint ORDER BY due_at LIMIT 1)) AS due_at
) AS first
WHERE first.due_at IS NOT NULL
