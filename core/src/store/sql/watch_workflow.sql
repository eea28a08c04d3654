-- watch_workflow: watches the runs of workflow $2 of tenant $1, in partition $4, for $3: those that start from now on, and those
-- that are live.
-- Moves:  nothing
-- Locks:  new rows.
-- Index:  workflow_watchers_pkey, runs_by_state
WITH watcher AS (
    INSERT INTO workflow_watchers (tenant_id, workflow_id, watcher_id)
    VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING
)
INSERT INTO watched_runs (tenant_id, run_id, partition, workflow_id)
SELECT tenant_id, id, $4, workflow_id
FROM runs
WHERE tenant_id = $1 AND state IN ('QUEUED', 'RUNNING', 'PAUSED') AND workflow_id = $2
ON CONFLICT DO NOTHING
