-- stop_items: tells the executors of what runs of the shares of task run $2 of tenant $1 to stop. A statement of its own after
-- drop_items, so that it sees what was started while that one waited.
-- Moves:  nothing
-- Locks:  dispatch rows; the run is held.
-- Index:  task_runs_of_run, dispatch_pkey
WITH items AS (
    SELECT i.id
    FROM task_runs AS p
    JOIN task_runs AS i ON i.tenant_id = p.tenant_id AND i.run_id = p.run_id AND i.node = p.node
    WHERE p.tenant_id = $1 AND p.id = $2 AND i.parent_id = p.id AND i.state = 'LIVE'
)
UPDATE dispatch AS d
SET stop_requested = true
FROM items
WHERE d.tenant_id = $1 AND d.task_run_id = items.id AND d.state = 'RUNNING' AND d.hold IS NULL
RETURNING d.executor_id
