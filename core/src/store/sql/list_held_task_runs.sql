-- list_held_task_runs: the live task runs ($1, $2: tenant, task run) in brief.
-- Moves:  nothing
-- Locks:  nothing; their runs are held.
-- Index:  dispatch_pkey, task_runs_pkey
SELECT
    d.run_id, d.task_run_id, d.node, d.item, d.state, d.hold, d.fence, d.begun_at IS NOT NULL AS begun, d.executor_id,
    d.pinned_to
FROM unnest($1::uuid[], $2::uuid[]) AS wanted(tenant_id, task_run_id)
JOIN dispatch AS d ON d.tenant_id = wanted.tenant_id AND d.task_run_id = wanted.task_run_id
