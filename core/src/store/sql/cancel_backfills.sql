-- cancel_backfills: ends those of the backfills $2 of tenant $1 that have not ended, on behalf of $3 and for the reason $4. What of them
-- has not started does not; what has goes on.
-- Moves:  nothing
-- Locks:  backfills, backfill_steps; the partition's lock is held.
-- Index:  backfills_pkey, backfill_steps_pending
-- Clock:  the database's.
WITH called_off AS (
    UPDATE backfill_steps
    SET state = 'CANCELLED', reason = $4
    WHERE tenant_id = $1 AND backfill_id = ANY ($2::uuid[]) AND state = 'PENDING'
),
ended AS (
    UPDATE backfills
    SET state = 'CANCELLED', state_reason = $4, cancelled_by = $3, cancelled = cancelled + pending, pending = 0,
        finished_at = present()
    WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND finished_at IS NULL
    RETURNING schedule_id, id
)
INSERT INTO events (tenant_id, schedule_id, kind, data, at)
SELECT $1, schedule_id, 'BACKFILL_ENDED', jsonb_build_object('backfill', id), present()
FROM ended
