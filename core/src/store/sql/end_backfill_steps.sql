-- end_backfill_steps: writes down that the runs $3 of backfills ($1, $2: tenant, backfill) have ended as $4. Gives the steps that had
-- them.
-- Moves:  nothing
-- Locks:  backfill_steps; the partitions' locks are held.
-- Index:  backfill_steps_running, backfill_steps_pkey
WITH found AS MATERIALIZED (
    SELECT e.tenant_id, e.backfill_id, step.place, e.state
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) AS e(tenant_id, backfill_id, run_id, state)
    CROSS JOIN LATERAL (
        SELECT place
        FROM backfill_steps
        WHERE tenant_id = e.tenant_id AND backfill_id = e.backfill_id AND run_id = e.run_id AND state = 'RUNNING'
        LIMIT 1
    ) AS step
)
UPDATE backfill_steps AS s
SET state = found.state
FROM found
WHERE s.tenant_id = found.tenant_id AND s.backfill_id = found.backfill_id AND s.place = found.place
RETURNING s.tenant_id, s.backfill_id, s.state
