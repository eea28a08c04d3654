-- find_executor: the executor $2 that tenant $1 may see: the living one before those that have ended, the tenant's own before
-- a shared one, the youngest life first.
-- Moves:  nothing
-- Index:  executor_key_is_unique_among_the_living, executors_pkey
-- Clock:  the database's: a lease that has ended by it is over, whether or not anybody has noticed.
SELECT
    tenant_id, id, key, hostname, containment, labels, slots, cpu, memory,
    registered_at, heartbeat_at, ended_at,
    CASE
        WHEN ended_at IS NOT NULL THEN end_reason
        WHEN lease_until <= present() THEN 'LOST'
        WHEN draining OR drain_requested THEN 'DRAINING'
        WHEN overloaded THEN 'OVERLOADED'
        ELSE 'ALIVE'
    END AS state
FROM executors
WHERE tenant_id IN ($1, '00000000-0000-0000-0000-000000000000') AND key = $2
ORDER BY ended_at IS NULL DESC, tenant_id = $1 DESC, id DESC
LIMIT 1
