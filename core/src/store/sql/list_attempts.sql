-- list_attempts: of each of the task runs $2 of tenant $1, the first $4 attempts after number $3. An attempt under way is a
-- dispatch row, one that has ended a row of the history.
-- Moves:  nothing
-- Index:  attempts_pkey, dispatch_pkey
SELECT a.*
FROM unnest($2::uuid[]) AS wanted(task_run_id)
CROSS JOIN LATERAL (
    SELECT
        task_run_id, number, executor_id, outcome, exit_code, http_status, message, output,
        assigned_at, started_at, finished_at
    FROM attempts
    WHERE tenant_id = $1 AND task_run_id = wanted.task_run_id AND number > $3
    UNION ALL
    SELECT
        task_run_id, fence, executor_id, NULL, NULL, NULL, NULL, NULL,
        assigned_at, started_at, NULL
    FROM dispatch
    WHERE tenant_id = $1 AND task_run_id = wanted.task_run_id AND fence > $3 AND executor_id IS NOT NULL
    ORDER BY number
    LIMIT $4
) AS a
