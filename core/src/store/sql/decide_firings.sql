-- decide_firings: records what became of the firings $2 of tenants $1: the outcomes $3, for the reasons $4, with the runs $5.
-- Moves:  nothing
-- Locks:  the firings; the partitions' locks are held.
-- Index:  firings_pkey
-- Clock:  the database's.
WITH decided AS (
    UPDATE firings AS f
    SET outcome = d.outcome, reason = d.reason, run_id = d.run_id, decided_at = present()
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[]) AS d(tenant_id, id, outcome, reason, run_id)
    WHERE f.tenant_id = d.tenant_id AND f.id = d.id AND f.outcome = 'PENDING'
    RETURNING f.tenant_id, f.id, f.trigger_id, f.outcome, f.reason, f.run_id
)
INSERT INTO events (tenant_id, kind, data, at)
SELECT
    tenant_id, 'FIRING_DECIDED',
    jsonb_strip_nulls(jsonb_build_object(
        'firingId', id, 'triggerId', trigger_id, 'outcome', outcome, 'reason', reason, 'runId', run_id)),
    present()
FROM decided
ORDER BY id
