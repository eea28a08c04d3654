-- count_items: counts $4 more ended, $5 more failed shares of the task runs ($1, $2: tenant, of the share $3).
-- Moves:  nothing
-- Locks:  task_runs of runs that are held.
-- Index:  task_runs_pkey
WITH ended AS (
    SELECT t.tenant_id, t.parent_id, count(*)::integer AS ended, count(*) FILTER (WHERE e.failed)::integer AS failed
    FROM unnest($1::uuid[], $2::uuid[], $3::boolean[]) AS e(tenant_id, id, failed)
    JOIN task_runs AS t ON t.tenant_id = e.tenant_id AND t.id = e.id
    GROUP BY t.tenant_id, t.parent_id
)
UPDATE task_runs AS p
SET open_items = greatest(0, p.open_items - e.ended), failed_items = p.failed_items + e.failed
FROM ended AS e
WHERE p.tenant_id = e.tenant_id AND p.id = e.parent_id AND p.state = 'LIVE'
RETURNING p.run_id, p.node, p.id, p.open_items, p.failed_items, e.ended
