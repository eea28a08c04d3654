-- list_living_executors: the executors that tenant $1 may see and whose lives have not been ended, by their keys, with what they
-- carry: all of it, and the tenant's own part. What is offered and what is carried are those of lock_executors.
-- Moves:  nothing
-- Index:  executor_key_is_unique_among_the_living, dispatch_held
-- Clock:  the database's: a lease that has ended by it is over, whether or not anybody has noticed.
SELECT
    e.id, e.tenant_id, e.key, e.labels || ('executor=' || e.key) AS labels, e.slots, e.cpu, e.memory, e.lease_until,
    coalesce(in_use.used, 0) AS used, coalesce(own.used, 0) AS own_used,
    CASE
        WHEN e.lease_until <= present() THEN 'LOST'
        WHEN e.draining OR e.drain_requested THEN 'DRAINING'
        WHEN e.overloaded THEN 'OVERLOADED'
        ELSE 'ALIVE'
    END AS state
FROM executors AS e
LEFT JOIN slots_in_use() AS in_use ON in_use.executor_id = e.id
LEFT JOIN LATERAL (
    SELECT sum(d.cost) AS used
    FROM dispatch AS d
    WHERE d.executor_id = e.id AND d.tenant_id = $1 AND d.hold IS NULL
) AS own ON true
WHERE e.tenant_id IN ($1, '00000000-0000-0000-0000-000000000000') AND e.ended_at IS NULL
ORDER BY e.key, e.tenant_id
