-- lock_executors: the executors that may be given work now, with what they carry, each locked until this transaction ends.
-- Moves:  nothing
-- Locks:  one advisory lock for each executor; one that somebody else is giving work to is told as taken.
-- Index:  executor_key_is_unique_among_the_living, dispatch_held
-- Clock:  the database's.
SELECT
    e.id, e.tenant_id, e.labels || ('executor=' || e.key) AS labels, e.slots, coalesce(held.cost, 0)::integer AS used,
    pg_try_advisory_xact_lock(7340035, hashtext(e.id::text)) AS locked
FROM executors AS e
LEFT JOIN LATERAL (SELECT sum(cost) AS cost FROM dispatch WHERE executor_id = e.id AND hold IS NULL) AS held ON true
WHERE e.ended_at IS NULL AND e.lease_until > present() AND NOT e.draining AND NOT e.drain_requested AND NOT e.overloaded
