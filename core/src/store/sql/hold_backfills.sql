-- hold_backfills: starts nothing of the backfills ($1, $2: tenant, backfill) for a second, for the reasons $3.
-- Moves:  nothing
-- Locks:  backfills; the partitions' locks are held.
-- Index:  backfills_pkey
-- Clock:  the database's.
UPDATE backfills AS b
SET not_before = present() + interval '1 second', state_reason = h.reason
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS h(tenant_id, id, reason)
WHERE b.tenant_id = h.tenant_id AND b.id = h.id
