-- list_backfills_of_schedules: of each of the schedules $2 of tenant $1, the $5 newest backfills with ids before $3, in one of the
-- states $4 if these are given.
-- Moves:  nothing
-- Index:  backfills_of_schedule, backwards
SELECT b.*
FROM unnest($2::uuid[]) AS wanted(schedule_id)
CROSS JOIN LATERAL (
    SELECT
        id, schedule_id, newest_first, reprocess, most_running, inputs, reason, state, state_reason, pending, running, succeeded,
        failed, cancelled, rejected, passed_over, created_by, cancelled_by, created_at, started_at, finished_at
    FROM backfills
    WHERE tenant_id = $1 AND schedule_id = wanted.schedule_id AND id < $3 AND ($4::text[] IS NULL OR state = ANY ($4))
    ORDER BY id DESC
    LIMIT $5
) AS b
