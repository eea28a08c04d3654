-- insert_items: records the shares ($5, with place $4 and value $6) of task run $3 of run $2 of tenant $1, which wait, and
-- counts them as open at the task run and at the run.
-- Moves:  (none) -> BLOCKED
-- Locks:  new rows; the task run and the run, which is held.
-- Index:  task_runs_pkey, runs_pkey
WITH items AS (
    INSERT INTO task_runs (tenant_id, id, run_id, node, key, state, pending_parents, parent_id, item, item_value)
    SELECT $1, i.id, $2, t.node, t.key, 'BLOCKED', 0, $3, i.place, i.value
    FROM unnest($4::integer[], $5::uuid[], $6::jsonb[]) AS i(place, id, value)
    CROSS JOIN (SELECT node, key FROM task_runs WHERE tenant_id = $1 AND id = $3) AS t
),
counted AS (
    UPDATE task_runs
    SET open_items = cardinality($4::integer[])
    WHERE tenant_id = $1 AND id = $3
)
UPDATE runs
SET task_runs = task_runs + cardinality($4::integer[]), open_task_runs = open_task_runs + cardinality($4::integer[])
WHERE tenant_id = $1 AND id = $2
