-- list_occurrences: of each of the schedules $2 of tenant $1, the $5 latest occurrences whose instants are before $3, with one of the
-- outcomes $4 if these are given.
-- Moves:  nothing
-- Index:  occurrence_is_unique, backwards, so that a page of a long past costs a page
SELECT o.*
FROM unnest($2::uuid[]) AS wanted(schedule_id)
CROSS JOIN LATERAL (
    SELECT
        id, schedule_id, nominal, due, outcome, reason, notes, run_id, manual, stands_for, oldest, decided_at
    FROM occurrences
    WHERE tenant_id = $1 AND schedule_id = wanted.schedule_id AND nominal < $3
        AND ($4::text[] IS NULL OR outcome = ANY ($4))
    ORDER BY nominal DESC
    LIMIT $5
) AS o
