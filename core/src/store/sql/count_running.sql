-- count_running: how many slots each of the tenants $1 holds now.
-- Moves:  nothing
-- Locks:  nothing.
-- Index:  dispatch_held; reads what is assigned or runs, never what waits.
SELECT tenant_id, sum(cost)::bigint AS cost
FROM dispatch
WHERE executor_id IS NOT NULL AND hold IS NULL AND tenant_id = ANY ($1)
GROUP BY tenant_id
