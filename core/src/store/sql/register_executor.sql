-- register_executor: begins the life $2 of an executor, with a lease of $8 ms.
-- Moves:  nothing
-- Locks:  the key, among the living.
-- Clock:  the database's.
WITH born AS (
    INSERT INTO executors (tenant_id, id, key, hostname, containment, labels, slots, lease_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, present() + $8 * interval '1 millisecond')
    RETURNING tenant_id, id, key
)
INSERT INTO events (tenant_id, kind, data, at)
SELECT tenant_id, 'EXECUTOR_REGISTERED', jsonb_build_object('executor', id, 'key', key), present()
FROM born
