-- lock_executor: executor $1, if it may be given work now, locked until this transaction ends.
-- Moves:  nothing
-- Locks:  one advisory lock, the same as lock_executors takes.
-- Index:  executors_by_id
-- Clock:  the database's.
SELECT id, tenant_id, labels || ('executor=' || key) AS labels, slots, 0 AS used, pg_try_advisory_xact_lock(7340035, hashtext(id::text)) AS locked
FROM executors
WHERE id = $1 AND ended_at IS NULL AND lease_until > present() AND NOT draining AND NOT drain_requested AND NOT overloaded
