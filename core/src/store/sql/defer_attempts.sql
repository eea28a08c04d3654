-- defer_attempts: takes the attempts ($2, $3, $4: tenant, task run, fence) over that executor $1 has handed over, and tells what
-- their endpoints have said already.
-- Moves:  nothing
-- Locks:  runs, by id, then dispatch.
-- Index:  dispatch_pkey, runs_pkey, callbacks_of_attempt
-- Fence:  an attempt whose fence was overtaken, or that another executor has, is left alone.
WITH held AS MATERIALIZED (
    SELECT d.tenant_id, d.run_id, d.task_run_id, d.fence, d.version_id, d.node, d.stop_requested AS stopping
    FROM unnest($2::uuid[], $3::uuid[], $4::integer[]) AS over(tenant_id, task_run_id, fence)
    JOIN dispatch AS d ON d.tenant_id = over.tenant_id AND d.task_run_id = over.task_run_id
    JOIN runs AS r ON r.tenant_id = d.tenant_id AND r.id = d.run_id
    WHERE d.fence = over.fence AND d.executor_id = $1 AND d.state = 'RUNNING' AND d.hold IS NULL
    ORDER BY r.id, d.task_run_id
    FOR NO KEY UPDATE OF r, d
),
deferred AS (
    UPDATE dispatch AS d
    SET hold = 'CALLBACK', stop_requested = false
    FROM held
    WHERE d.tenant_id = held.tenant_id AND d.task_run_id = held.task_run_id
    RETURNING d.task_run_id
)
SELECT
    held.tenant_id, held.run_id, held.task_run_id, held.fence, held.version_id, held.node, held.stopping,
    c.succeeded, c.message, c.output
FROM held
JOIN deferred ON deferred.task_run_id = held.task_run_id
LEFT JOIN callbacks AS c
    ON c.tenant_id = held.tenant_id AND c.task_run_id = held.task_run_id AND c.fence = held.fence
