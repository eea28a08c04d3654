-- list_ready_partitions: names the partitions that have ready task runs, by one look into the index for each.
-- Moves:  nothing
-- Locks:  nothing.
-- Index:  dispatch_ready
WITH RECURSIVE found AS (
    (SELECT partition FROM dispatch WHERE state = 'READY' AND NOT paused ORDER BY partition LIMIT 1)
    UNION ALL
    SELECT later.partition
    FROM found
    CROSS JOIN LATERAL (
        SELECT partition
        FROM dispatch
        WHERE state = 'READY' AND NOT paused AND partition > found.partition
        ORDER BY partition
        LIMIT 1
    ) AS later
)
SELECT partition
FROM found
