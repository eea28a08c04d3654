-- lock_runs: reads the runs ($1, $2: tenant, run) and keeps them still.
-- Moves:  nothing
-- Locks:  runs, by id, before anything that belongs to them.
-- Index:  runs_pkey
SELECT
    r.tenant_id, r.id, r.version_id, r.priority, r.depth, r.state, r.stop_as,
    r.paused_at IS NOT NULL AS paused
FROM runs AS r
WHERE (r.tenant_id, r.id) IN (SELECT tenant_id, id FROM unnest($1::uuid[], $2::uuid[]) AS wanted(tenant_id, id))
ORDER BY r.id
FOR NO KEY UPDATE OF r
