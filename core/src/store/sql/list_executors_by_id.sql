-- list_executors_by_id: the lives $2 of executors, as far as tenant $1 may see them.
-- Moves:  nothing
-- Index:  executors_pkey
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
WHERE tenant_id IN ($1, '00000000-0000-0000-0000-000000000000') AND id = ANY ($2::uuid[])
