-- list_node_facts: what has become of the nodes $3 of run $2 of tenant $1.
-- Moves:  nothing
-- Locks:  nothing.
-- Index:  task_runs_of_run, dispatch_pkey, progress_pkey
SELECT
    t.key, CASE t.state WHEN 'LIVE' THEN d.state ELSE t.state END AS state, t.state_reason,
    CASE t.state WHEN 'LIVE' THEN d.fence ELSE t.attempts END AS attempts, t.output, p.percent, p.message
FROM unnest($3::integer[]) AS wanted(node)
JOIN task_runs AS t ON t.tenant_id = $1 AND t.run_id = $2 AND t.node = wanted.node AND t.item IS NULL
LEFT JOIN dispatch AS d ON d.tenant_id = t.tenant_id AND d.task_run_id = t.id
LEFT JOIN progress AS p ON p.tenant_id = t.tenant_id AND p.task_run_id = t.id
