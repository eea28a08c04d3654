-- list_running_attempts: what executor $1 runs by the dispatch, as start_task_runs tells it.
-- Moves:  nothing
-- Locks:  nothing.
-- Index:  dispatch_held, runs_pkey
SELECT d.tenant_id, d.run_id, d.task_run_id, d.version_id, d.node, d.fence, d.item, r.inputs
FROM dispatch AS d
JOIN runs AS r ON r.tenant_id = d.tenant_id AND r.id = d.run_id
WHERE d.executor_id = $1 AND d.state = 'RUNNING' AND d.hold IS NULL
