-- list_lost_attempts: up to 500 attempts of executors that are gone. Their lease has ended, or their life has, while somebody
-- was just giving them something.
-- Moves:  nothing
-- Locks:  nothing; lock_attempts checks again.
-- Index:  dispatch_held, one look for each executor that holds something; executors_by_id
-- Clock:  the database's.
WITH RECURSIVE holders AS (
    (SELECT executor_id FROM dispatch WHERE executor_id IS NOT NULL AND hold IS NULL ORDER BY executor_id LIMIT 1)
    UNION ALL
    SELECT later.executor_id
    FROM holders
    CROSS JOIN LATERAL (
        SELECT executor_id
        FROM dispatch
        WHERE executor_id > holders.executor_id AND hold IS NULL
        ORDER BY executor_id
        LIMIT 1
    ) AS later
)
SELECT d.executor_id, e.key, d.tenant_id, d.run_id, d.task_run_id, d.fence
FROM holders AS h
JOIN executors AS e ON e.id = h.executor_id
JOIN dispatch AS d ON d.executor_id = h.executor_id
WHERE d.hold IS NULL AND (e.ended_at IS NOT NULL OR e.lease_until <= present())
LIMIT 500
