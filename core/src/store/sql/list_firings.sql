-- list_firings: of each of the triggers $2 of tenant $1, the $5 latest firings before $3, with one of the outcomes $4 if these are
-- given.
-- Moves:  nothing
-- Index:  firings_of_trigger, backwards, so that a page of a long past costs a page
SELECT f.*
FROM unnest($2::uuid[]) AS wanted(trigger_id)
CROSS JOIN LATERAL (
    SELECT id, trigger_id, outcome, reason, facts, run_id, caused_at, decided_at
    FROM firings
    WHERE tenant_id = $1 AND trigger_id = wanted.trigger_id AND id < $3
        AND ($4::text[] IS NULL OR outcome = ANY ($4))
    ORDER BY id DESC
    LIMIT $5
) AS f
