-- list_lost_attempts: up to 500 attempts of executors whose lease has ended, by executor.
-- Moves:  nothing
-- Locks:  nothing; lock_attempts checks again.
-- Index:  executor_key_is_unique_among_the_living, dispatch_held
-- Clock:  the database's.
SELECT d.executor_id, e.key, d.tenant_id, d.run_id, d.task_run_id, d.fence
FROM executors AS e
JOIN dispatch AS d ON d.executor_id = e.id
WHERE e.ended_at IS NULL AND e.lease_until <= present()
ORDER BY d.executor_id
LIMIT 500
