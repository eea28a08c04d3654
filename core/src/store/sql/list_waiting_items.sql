-- list_waiting_items: the first $3 shares of task run $2 of tenant $1 that wait for their turn.
-- Moves:  nothing
-- Locks:  nothing; the run is held.
-- Index:  task_runs_of_run
SELECT i.id, i.item, i.item_value
FROM task_runs AS p
JOIN task_runs AS i ON i.tenant_id = p.tenant_id AND i.run_id = p.run_id AND i.node = p.node
WHERE p.tenant_id = $1 AND p.id = $2 AND i.parent_id = p.id AND i.state = 'BLOCKED'
ORDER BY i.item
LIMIT $3
