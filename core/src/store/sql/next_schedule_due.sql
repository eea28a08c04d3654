-- next_schedule_due: how many milliseconds until a schedule of the partitions $1 is to be looked at, the end of a run is to be acted on,
-- a firing is to be decided about, or a backfill may start something, by partition.
-- Moves:  nothing
-- Locks:  nothing.
-- Index:  schedule_states_due, watched_runs_ended, backfills_wanting, firings_pending; one look into each for each partition
-- Clock:  the database's.
SELECT
    p::smallint AS partition,
    CASE
        WHEN EXISTS (SELECT FROM watched_runs WHERE partition = p AND ended_as IS NOT NULL) THEN 0
        WHEN EXISTS (SELECT FROM firings WHERE partition = p AND outcome = 'PENDING') THEN 0
        WHEN first.due IS NOT NULL THEN greatest(0, ceil(extract(epoch FROM first.due - present()) * 1000))::bigint
    END AS due_ms
FROM unnest($1::smallint[]) AS p
CROSS JOIN LATERAL (
    SELECT least(
        (SELECT next_due FROM schedule_states WHERE partition = p AND next_due IS NOT NULL ORDER BY next_due LIMIT 1),
        (
            SELECT min(not_before)
            FROM backfills
            WHERE partition = p AND finished_at IS NULL AND pending > 0 AND running < most_running
        )) AS due
) AS first
