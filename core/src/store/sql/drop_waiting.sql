-- drop_waiting: takes what has not started of run $2 out of the dispatch. Whoever is just starting some of it is waited for;
-- what has started by then stays.
-- Moves:  READY, ASSIGNED, RETRY_WAIT -> CANCELLED (with cancel_waiting)
-- Locks:  dispatch rows; the run is held.
-- Index:  task_runs_of_run, dispatch_pkey
DELETE FROM dispatch AS d
USING task_runs AS t
WHERE t.tenant_id = $1 AND t.run_id = $2 AND t.state = 'LIVE'
    AND d.tenant_id = t.tenant_id AND d.task_run_id = t.id AND d.state <> 'RUNNING'
RETURNING d.task_run_id, d.fence, d.executor_id, d.assigned_at
