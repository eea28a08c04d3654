-- insert_backfill: records backfill $2 of schedule $3 of tenant $1 in partition $4: the newest first $5, reprocessing $6, with at
-- most $7 runs together, giving them $8, for the reason $9, on behalf of $10; and its steps ($11 to $15, a column each), of which
-- those run that have no reason not to.
-- Moves:  nothing
-- Locks:  new rows; the partition's lock is held.
-- Clock:  the database's.
WITH steps AS (
    SELECT *
    FROM unnest($11::integer[], $12::timestamptz[], $13::timestamptz[], $14::text[], $15::text[])
        AS s(place, nominal, due, notes, passed_over)
),
backfill AS (
    INSERT INTO backfills (
        tenant_id, id, schedule_id, partition, newest_first, reprocess, most_running, inputs, reason, created_by, pending,
        passed_over)
    SELECT
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, count(*) FILTER (WHERE passed_over IS NULL), count(passed_over)
    FROM steps
)
INSERT INTO backfill_steps (tenant_id, backfill_id, place, nominal, due, notes, state, reason)
SELECT
    $1, $2, place, nominal, due, string_to_array(notes, ' '),
    CASE WHEN passed_over IS NULL THEN 'PENDING' ELSE 'PASSED_OVER' END, passed_over
FROM steps
