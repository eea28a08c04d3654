-- list_due_partitions: the partitions that have something to be tried again by now, and how long until the next in each other.
-- Moves:  nothing
-- Locks:  nothing.
-- Index:  dispatch_waiting; one look for each of the 64 partitions.
-- Clock:  the database's.
SELECT p::smallint AS partition, greatest(0, ceil(extract(epoch FROM first.ready_at - present()) * 1000))::bigint AS due_ms
FROM generate_series(0, 63) AS p
CROSS JOIN LATERAL (
    SELECT ready_at
    FROM dispatch
    WHERE partition = p::smallint AND state = 'RETRY_WAIT'
    ORDER BY ready_at
    LIMIT 1
) AS first
