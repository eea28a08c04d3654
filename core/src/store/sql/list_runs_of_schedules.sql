-- list_runs_of_schedules: of each of the schedules $2 of tenant $1, the $4 newest runs with ids before $3.
-- Moves:  nothing
-- Index:  runs_of_schedule, backwards
SELECT r.schedule_id, r.run_id
FROM unnest($2::uuid[]) AS wanted(schedule_id)
CROSS JOIN LATERAL (
    SELECT schedule_id, id AS run_id
    FROM runs
    WHERE tenant_id = $1 AND schedule_id = wanted.schedule_id AND id < $3
    ORDER BY id DESC
    LIMIT $4
) AS r
