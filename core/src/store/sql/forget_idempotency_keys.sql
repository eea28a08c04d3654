-- forget_idempotency_keys: removes up to 10,000 keys that are a week old.
-- Moves:  nothing
-- Locks:  the rows; those that somebody holds are left for the next time.
-- Index:  idempotency_keys_by_age
-- Clock:  the database's.
DELETE FROM idempotency_keys
WHERE (tenant_id, mutation, key) IN (
    SELECT tenant_id, mutation, key
    FROM idempotency_keys
    WHERE created_at < present() - interval '7 days'
    ORDER BY created_at
    LIMIT 10000
    FOR UPDATE SKIP LOCKED
)
