-- take_bulk_job: the open bulk job whose turn it is. Tenants take turns, and so do the jobs of one tenant.
-- Moves:  nothing
-- Locks:  the job, until its turn is over; one that somebody else is at is passed over.
-- Index:  bulk_jobs_open, bulk_jobs_pkey
-- The turns are told apart outside of the locking select, which cannot look at several rows at once.
WITH open AS MATERIALIZED (
    SELECT tenant_id, id, turn_at, max(turn_at) OVER (PARTITION BY tenant_id) AS tenants_turn_at
    FROM bulk_jobs
    WHERE finished_at IS NULL
)
SELECT b.tenant_id, b.id, b.action, b.filter, b.refused, b.looked_until, b.created_by, b.created_at
FROM open
JOIN bulk_jobs AS b ON b.tenant_id = open.tenant_id AND b.id = open.id AND b.finished_at IS NULL
ORDER BY open.tenants_turn_at, open.turn_at
LIMIT 1
FOR UPDATE OF b SKIP LOCKED
