-- list_cancellations: the attempts of executor $1 that it is to stop.
-- Moves:  nothing
-- Locks:  nothing.
-- Index:  dispatch_stopping
SELECT tenant_id, run_id, task_run_id, fence, stop_at_once
FROM dispatch
WHERE executor_id = $1 AND stop_requested
