-- recount_parents: writes down how the nodes before $1, $2 (tenant, task run) stand, as far as these still wait.
-- Moves:  nothing
-- Locks:  task_runs of runs that are held.
-- Index:  task_runs_pkey
UPDATE task_runs AS t
SET pending_parents = c.pending, failed_parents = c.failed, doomed_parents = c.doomed, skipped_parents = c.skipped
FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::integer[])
    AS c(tenant_id, id, pending, failed, doomed, skipped)
WHERE t.tenant_id = c.tenant_id AND t.id = c.id AND t.state = 'BLOCKED'
