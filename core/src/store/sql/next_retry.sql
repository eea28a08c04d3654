-- next_retry: how long until something in partition $1 is to be tried again.
-- Moves:  nothing
-- Locks:  nothing.
-- Index:  dispatch_waiting
-- Clock:  the database's.
SELECT greatest(0, ceil(extract(epoch FROM ready_at - present()) * 1000))::bigint AS due_ms
FROM dispatch
WHERE partition = $1 AND state = 'RETRY_WAIT'
ORDER BY ready_at
LIMIT 1
