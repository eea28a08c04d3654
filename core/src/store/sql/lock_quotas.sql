-- lock_quotas: takes the locks $1 of the quotas of tenants $2, in one order, so that nobody who takes several waits in a circle.
-- Moves:  nothing
-- Locks:  advisory locks, until the transaction ends.
SELECT pg_advisory_xact_lock($1, hashtext(t.id::text))
FROM (SELECT DISTINCT id FROM unnest($2::uuid[]) AS t(id) ORDER BY id) AS t
