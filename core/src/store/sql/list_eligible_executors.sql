-- list_eligible_executors: the executors that live now and may run work of tenant $1 that asks for the labels $2.
-- Moves:  nothing
-- Locks:  nothing.
-- Index:  executor_key_is_unique_among_the_living
-- Clock:  the database's.
SELECT key
FROM executors
WHERE tenant_id IN ($1, '00000000-0000-0000-0000-000000000000') AND ended_at IS NULL AND lease_until > present()
    AND NOT draining AND NOT drain_requested AND labels || ('executor=' || key) @> $2::text[]
ORDER BY key, tenant_id
