-- find_item_values: what the shares ($1, $2: tenant, task run) are, and of how many each is one.
-- Moves:  nothing
-- Locks:  nothing.
-- Index:  task_runs_pkey, task_runs_of_run
SELECT
    t.id, t.item, t.item_value,
    (SELECT count(*)
     FROM task_runs AS other
     WHERE other.tenant_id = t.tenant_id AND other.run_id = t.run_id AND other.node = t.node AND other.item IS NOT NULL) AS count
FROM unnest($1::uuid[], $2::uuid[]) AS wanted(tenant_id, id)
JOIN task_runs AS t ON t.tenant_id = wanted.tenant_id AND t.id = wanted.id
WHERE t.item IS NOT NULL
