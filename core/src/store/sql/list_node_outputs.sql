-- list_node_outputs: what the nodes ($2, $3: run, place) of tenant $1 gave.
-- Moves:  nothing
-- Index:  task_runs_of_run, dispatch_pkey
SELECT t.run_id, t.key, CASE t.state WHEN 'LIVE' THEN d.state ELSE t.state END AS state, t.output
FROM unnest($2::uuid[], $3::integer[]) AS wanted(run_id, node)
JOIN task_runs AS t ON t.tenant_id = $1 AND t.run_id = wanted.run_id AND t.node = wanted.node AND t.item IS NULL
LEFT JOIN dispatch AS d ON d.tenant_id = t.tenant_id AND d.task_run_id = t.id
