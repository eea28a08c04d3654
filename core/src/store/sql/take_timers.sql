-- take_timers: takes the timers ($1, $2: tenant, timer) away and tells what they were for.
-- Moves:  nothing
-- Locks:  timers of runs that are held.
-- Index:  timers_pkey
DELETE FROM timers AS t
USING unnest($1::uuid[], $2::uuid[]) AS due(tenant_id, id)
WHERE t.tenant_id = due.tenant_id AND t.id = due.id
RETURNING t.run_id, t.task_run_id, t.fence, t.kind
