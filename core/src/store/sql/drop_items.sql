-- drop_items: keeps the shares of task run $2 of tenant $1 that have not started from starting, until they are ended in this
-- transaction. Whoever is just starting some of them is waited for; what has started by then goes on.
-- Moves:  ASSIGNED -> READY; RETRY_WAIT -> READY
-- Locks:  dispatch rows; the run is held.
-- Index:  task_runs_of_run, dispatch_pkey
-- Fence:  lowered by one for what was assigned: nobody was told of it yet, and no attempt bears its number.
WITH items AS (
    SELECT i.id
    FROM task_runs AS p
    JOIN task_runs AS i ON i.tenant_id = p.tenant_id AND i.run_id = p.run_id AND i.node = p.node
    WHERE p.tenant_id = $1 AND p.id = $2 AND i.parent_id = p.id AND i.state = 'LIVE'
)
UPDATE dispatch AS d
SET state = 'READY', fence = d.fence - CASE d.state WHEN 'ASSIGNED' THEN 1 ELSE 0 END, executor_id = NULL, assigned_at = NULL
FROM items
WHERE d.tenant_id = $1 AND d.task_run_id = items.id AND d.state IN ('READY', 'ASSIGNED', 'RETRY_WAIT')
RETURNING d.task_run_id
