-- begin_backfill_steps: writes down what became of steps ($1, $2, $3: tenant, backfill, place) that were to start: each has the run $5,
-- or the reason $6 why there is none. The occurrence of one that runs is BACKFILLED, under the new id $4 if it was not recorded;
-- what had become of it before is kept in words.
-- Moves:  nothing
-- Locks:  backfill_steps, occurrences; the partitions' locks are held.
-- Index:  backfill_steps_pkey, backfills_pkey, occurrence_is_unique
-- Clock:  the database's.
WITH given AS (
    SELECT *
    FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::uuid[], $5::uuid[], $6::text[])
        AS g(tenant_id, backfill_id, place, occurrence_id, run_id, reason)
),
begun AS (
    UPDATE backfill_steps AS s
    SET state = CASE WHEN g.run_id IS NULL THEN 'REJECTED' ELSE 'RUNNING' END, run_id = g.run_id, reason = g.reason
    FROM given AS g
    WHERE s.tenant_id = g.tenant_id AND s.backfill_id = g.backfill_id AND s.place = g.place
    RETURNING s.tenant_id, s.backfill_id, g.occurrence_id, s.nominal, s.due, s.notes, s.run_id
),
recorded AS (
    INSERT INTO occurrences AS o (
        tenant_id, id, schedule_id, nominal, due, outcome, reason, notes, run_id, decided_at)
    SELECT
        b.tenant_id, begun.occurrence_id, b.schedule_id, begun.nominal, begun.due, 'BACKFILLED', 'backfilled by ' || b.created_by,
        begun.notes, begun.run_id, present()
    FROM begun
    JOIN backfills AS b ON b.tenant_id = begun.tenant_id AND b.id = begun.backfill_id
    WHERE begun.run_id IS NOT NULL
    ON CONFLICT (tenant_id, schedule_id, nominal) DO UPDATE
    SET outcome = excluded.outcome, run_id = excluded.run_id, waits_in = NULL, stands_for = 1, oldest = NULL,
        before_backfill = coalesce(o.before_backfill, concat_ws(': ', o.outcome, o.reason)),
        reason = excluded.reason || '; it was ' || coalesce(o.before_backfill, concat_ws(': ', o.outcome, o.reason)),
        decided_at = excluded.decided_at
    RETURNING o.tenant_id, o.schedule_id, o.id, o.nominal, o.outcome, o.reason, o.run_id
)
INSERT INTO events (tenant_id, schedule_id, kind, data, at)
SELECT
    tenant_id, schedule_id, 'OCCURRENCE_RECORDED',
    jsonb_build_object('occurrenceId', id, 'instant', nominal, 'outcome', outcome, 'reason', reason, 'runId', run_id), present()
FROM recorded
ORDER BY schedule_id, nominal
