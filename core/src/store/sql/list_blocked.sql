-- list_blocked: the nodes of the runs ($1, $2: tenant, run) that wait for others, and how those stand.
-- Moves:  nothing
-- Locks:  nothing; the runs are held.
-- Index:  task_runs_of_run
SELECT t.run_id, t.node, t.id, t.pending_parents, t.failed_parents, t.doomed_parents, t.skipped_parents, false AS ready
FROM unnest($1::uuid[], $2::uuid[]) AS wanted(tenant_id, run_id)
JOIN task_runs AS t ON t.tenant_id = wanted.tenant_id AND t.run_id = wanted.run_id
WHERE t.state = 'BLOCKED' AND t.item IS NULL
