-- list_wait_facts: those of the task runs $2 of tenant $1 that have not ended, with all that their own rows tell of what they
-- wait for.
-- Moves:  nothing
-- Index:  task_runs_pkey, dispatch_pkey
SELECT
    t.id, t.run_id, t.node, t.key, t.parent_id, t.pending_parents, t.failed_parents, t.doomed_parents, t.skipped_parents,
    d.state, d.hold, d.priority, d.cost, d.labels, d.ready_at, d.fence, d.paused, d.pinned_to, d.executor_id,
    d.assigned_at, d.started_at, d.stop_requested
FROM task_runs AS t
LEFT JOIN dispatch AS d ON d.tenant_id = t.tenant_id AND d.task_run_id = t.id
WHERE t.tenant_id = $1 AND t.id = ANY ($2::uuid[]) AND t.state IN ('BLOCKED', 'LIVE')
ORDER BY t.run_id, t.node, t.item NULLS FIRST
