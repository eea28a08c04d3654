-- record_occurrences: writes down what became of occurrences ($1 to $14, a column each); one that was recorded as waiting, or is
-- run again by a backfill, is written over.
-- Moves:  nothing
-- Locks:  occurrences; the partitions' locks are held.
-- Index:  occurrence_is_unique
-- Clock:  the database's.
WITH given AS (
    SELECT *
    FROM unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::uuid[],
        $10::boolean[], $11::jsonb[], $12::bigint[], $13::timestamptz[], $14::text[])
        AS o(tenant_id, id, schedule_id, nominal, due, outcome, reason, notes, run_id, manual, inputs, stands_for, oldest,
            waits_in)
),
recorded AS (
    INSERT INTO occurrences AS o (
        tenant_id, id, schedule_id, nominal, due, outcome, reason, notes, run_id, manual, inputs, stands_for, oldest, waits_in,
        decided_at)
    SELECT
        tenant_id, id, schedule_id, nominal, due, outcome, reason, string_to_array(notes, ' '), run_id, manual, inputs,
        stands_for, oldest, waits_in, present()
    FROM given
    ON CONFLICT (tenant_id, schedule_id, nominal) DO UPDATE
    SET outcome = excluded.outcome, reason = excluded.reason, run_id = excluded.run_id, waits_in = excluded.waits_in,
        decided_at = excluded.decided_at
    RETURNING o.tenant_id, o.schedule_id, o.id, o.nominal, o.outcome, o.reason, o.run_id
)
INSERT INTO events (tenant_id, schedule_id, kind, data, at)
SELECT
    tenant_id, schedule_id, 'OCCURRENCE_RECORDED',
    jsonb_strip_nulls(jsonb_build_object(
        'occurrenceId', id, 'instant', nominal, 'outcome', outcome, 'reason', reason, 'runId', run_id)),
    present()
FROM recorded
ORDER BY schedule_id, nominal
