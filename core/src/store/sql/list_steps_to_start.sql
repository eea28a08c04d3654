-- list_steps_to_start: the steps of backfills of the partitions $1 that may start now, at most $2: of each backfill the first in its
-- order, as many as it may have runs beside those under way, and of all backfills in turn.
-- Moves:  nothing
-- Locks:  nothing; the partitions' locks are held.
-- Index:  backfills_wanting, backfill_steps_pending, schedule_states_pkey
-- Clock:  the database's.
SELECT
    b.tenant_id, b.id AS backfill_id, b.schedule_id, coalesce(s.plan_revision, 0) AS plan_revision, b.created_by, b.inputs,
    step.place, step.nominal, step.due
FROM unnest($1::smallint[]) AS p
CROSS JOIN LATERAL (
    SELECT tenant_id, id, schedule_id, created_by, inputs, most_running - running AS room
    FROM backfills
    WHERE partition = p AND finished_at IS NULL AND pending > 0 AND running < most_running
        AND not_before <= present()
    OFFSET 0
) AS b
LEFT JOIN schedule_states AS s ON s.tenant_id = b.tenant_id AND s.schedule_id = b.schedule_id
CROSS JOIN LATERAL (
    SELECT place, nominal, due, row_number() OVER (ORDER BY place) AS turn
    FROM backfill_steps
    WHERE tenant_id = b.tenant_id AND backfill_id = b.id AND state = 'PENDING'
    ORDER BY place
    LIMIT least(b.room, $2)
) AS step
ORDER BY step.turn, b.tenant_id, b.id
LIMIT $2
