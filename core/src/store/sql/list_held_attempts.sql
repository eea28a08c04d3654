-- list_held_attempts: up to 500 attempts that executor $1 owns.
-- Moves:  nothing
-- Locks:  nothing; lock_attempts checks again.
-- Index:  dispatch_held
SELECT tenant_id, run_id, task_run_id, fence
FROM dispatch
WHERE executor_id = $1 AND hold IS NULL
LIMIT 500
