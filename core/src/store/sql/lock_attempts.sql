-- lock_attempts: reads what executor $1 still owns of the attempts ($2, $3, $4: tenant, task run, fence) and keeps it still.
-- With $5 they are those that a callback is to end; without, those that the executor itself is at.
-- Moves:  nothing
-- Locks:  runs, then dispatch, by run; so everybody who ends attempts of one run takes turns, and nobody waits in a ring.
-- Index:  dispatch_pkey, runs_pkey
-- Fence:  an attempt whose fence was overtaken, or that another executor owns, is not among the rows.
SELECT
    d.tenant_id, d.run_id, d.task_run_id, d.version_id, d.partition, d.node, d.fence, d.failures, d.faults,
    d.executor_id, d.assigned_at, d.started_at, r.priority AS run_priority,
    r.stop_as IS NOT NULL AS stopping, d.stop_requested AS told_to_stop, r.paused_at IS NOT NULL AS paused, r.depth,
    d.item,
    coalesce(extract(epoch FROM present() - d.begun_at) * 1000, 0)::bigint AS elapsed_ms
FROM unnest($2::uuid[], $3::uuid[], $4::integer[]) AS ended(tenant_id, task_run_id, fence)
JOIN dispatch AS d ON d.tenant_id = ended.tenant_id AND d.task_run_id = ended.task_run_id
JOIN runs AS r ON r.tenant_id = d.tenant_id AND r.id = d.run_id
WHERE d.fence = ended.fence AND d.executor_id = $1 AND (d.hold IS NOT NULL) = $5
ORDER BY r.id, d.task_run_id
FOR NO KEY UPDATE OF r, d
