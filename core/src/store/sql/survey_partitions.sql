-- survey_partitions: what there is to do in the partitions $1: whether ends of runs are to be acted on, whether firings are to be decided
-- about, and in how many microseconds the first schedule is to be looked at, and the first backfill wants to start something.
-- Moves:  nothing
-- Locks:  nothing; of a partition whose lock is held, nobody else changes what is found, but adds to it.
-- Index:  watched_runs_ended, firings_pending, schedule_states_due, backfills_wanting; one look into each for each partition
-- Clock:  the database's.
SELECT
    p::smallint AS partition,
    EXISTS (SELECT FROM watched_runs WHERE partition = p AND ended_as IS NOT NULL) AS ends,
    EXISTS (SELECT FROM firings WHERE partition = p AND outcome = 'PENDING') AS firings,
    (
        SELECT greatest(0, ceil(extract(epoch FROM next_due - present()) * 1e6))::bigint
        FROM schedule_states
        WHERE partition = p AND next_due IS NOT NULL
        ORDER BY next_due
        LIMIT 1
    ) AS schedule_in,
    (
        SELECT greatest(0, ceil(extract(epoch FROM not_before - present()) * 1e6))::bigint
        FROM backfills
        WHERE partition = p AND finished_at IS NULL AND pending > 0 AND running < most_running
        ORDER BY not_before
        LIMIT 1
    ) AS step_in
FROM unnest($1::smallint[]) AS p
