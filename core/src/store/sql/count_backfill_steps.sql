-- count_backfill_steps: moves the counters of backfills ($1, $2: tenant, backfill) by what became of their steps: pending $3, running $4,
-- succeeded $5, failed $6, cancelled $7, rejected $8. One of which nothing is pending or running any more ends.
-- Moves:  nothing
-- Locks:  backfills; the partitions' locks are held.
-- Index:  backfills_pkey
-- Clock:  the database's.
WITH sums AS (
    SELECT
        b.tenant_id, b.id, b.pending + m.pending AS pending, b.running + m.running AS running,
        b.succeeded + m.succeeded AS succeeded, b.failed + m.failed AS failed, b.cancelled + m.cancelled AS cancelled,
        b.rejected + m.rejected AS rejected,
        b.finished_at IS NULL AND b.pending + m.pending + b.running + m.running = 0 AS ends
    FROM unnest(
        $1::uuid[], $2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::integer[], $7::integer[], $8::integer[])
        AS m(tenant_id, id, pending, running, succeeded, failed, cancelled, rejected)
    JOIN backfills AS b ON b.tenant_id = m.tenant_id AND b.id = m.id
),
counted AS (
    UPDATE backfills AS b
    SET pending = s.pending, running = s.running, succeeded = s.succeeded, failed = s.failed, cancelled = s.cancelled,
        rejected = s.rejected, started_at = coalesce(b.started_at, present()),
        state = CASE
            WHEN b.finished_at IS NOT NULL THEN b.state
            WHEN NOT s.ends THEN 'RUNNING'
            WHEN s.failed + s.rejected > 0 THEN 'FAILED'
            ELSE 'SUCCEEDED'
        END,
        state_reason = CASE
            WHEN s.ends THEN nullif(concat_ws(
                ', ', 'failed: ' || nullif(s.failed, 0), 'could not start: ' || nullif(s.rejected, 0),
                'cancelled: ' || nullif(s.cancelled, 0)), '')
            WHEN b.finished_at IS NOT NULL THEN b.state_reason
        END,
        finished_at = CASE WHEN s.ends THEN present() ELSE b.finished_at END
    FROM sums AS s
    WHERE b.tenant_id = s.tenant_id AND b.id = s.id
    RETURNING b.tenant_id, b.schedule_id, b.id, s.ends
)
INSERT INTO events (tenant_id, schedule_id, kind, data, at)
SELECT
    tenant_id, schedule_id, CASE WHEN ends THEN 'BACKFILL_ENDED' ELSE 'BACKFILL_ADVANCED' END,
    jsonb_build_object('backfill', id), present()
FROM counted
