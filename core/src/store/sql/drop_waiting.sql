-- drop_waiting: takes what has not started of run $2 of tenant $1 out of the dispatch, and what the service itself holds, but for
-- the runs within it; what an endpoint is to call back for stays if what runs may finish ($3). Whoever is just starting some of
-- it is waited for; what has started by then stays.
-- Moves:  READY, ASSIGNED, RETRY_WAIT, RUNNING -> CANCELLED (with cancel_waiting)
-- Locks:  dispatch rows; the run is held.
-- Index:  task_runs_of_run, dispatch_pkey
DELETE FROM dispatch AS d
USING task_runs AS t
WHERE t.tenant_id = $1 AND t.run_id = $2 AND t.state = 'LIVE'
    AND d.tenant_id = t.tenant_id AND d.task_run_id = t.id
    AND (d.state <> 'RUNNING' OR d.hold IN ('ITEMS', 'APPROVAL', 'WAIT') OR d.hold = 'CALLBACK' AND NOT $3)
RETURNING d.task_run_id, d.fence, d.executor_id, d.assigned_at, d.started_at
