-- drop_items: takes the shares of task run $2 of tenant $1 that wait for an executor out of the dispatch, and tells the
-- executors of the others to stop.
-- Moves:  READY, RETRY_WAIT -> CANCELLED (with end_task_runs)
-- Locks:  dispatch rows; the run is held.
-- Index:  task_runs_of_run, dispatch_pkey
WITH items AS (
    SELECT i.id
    FROM task_runs AS p
    JOIN task_runs AS i ON i.tenant_id = p.tenant_id AND i.run_id = p.run_id AND i.node = p.node
    WHERE p.tenant_id = $1 AND p.id = $2 AND i.parent_id = p.id AND i.state = 'LIVE'
),
dropped AS (
    DELETE FROM dispatch AS d
    USING items
    WHERE d.tenant_id = $1 AND d.task_run_id = items.id AND d.state IN ('READY', 'RETRY_WAIT')
    RETURNING d.task_run_id
),
told AS (
    UPDATE dispatch AS d
    SET stop_requested = true
    FROM items
    WHERE d.tenant_id = $1 AND d.task_run_id = items.id AND d.state IN ('ASSIGNED', 'RUNNING') AND d.hold IS NULL
    RETURNING d.executor_id
)
SELECT task_run_id, NULL::uuid AS executor_id FROM dropped
UNION ALL
SELECT NULL, executor_id FROM told
