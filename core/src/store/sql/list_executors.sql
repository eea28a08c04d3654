-- list_executors: the $4 youngest lives of executors that tenant $1 may see, older than life $2; those that have ended only when $3.
-- Moves:  nothing
-- Index:  executor_key_is_unique_among_the_living, or executors_pkey, once for the tenant and once for the platform.
-- Clock:  the database's: a lease that has ended by it is over, whether or not anybody has noticed.
SELECT e.*
FROM (SELECT DISTINCT unnest(ARRAY[$1, '00000000-0000-0000-0000-000000000000'::uuid])) AS owner(tenant_id)
CROSS JOIN LATERAL (
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
    WHERE tenant_id = owner.tenant_id
        AND id < $2
        AND (ended_at IS NULL OR $3)
    ORDER BY id DESC
    LIMIT $4
) AS e
ORDER BY e.id DESC
LIMIT $4
