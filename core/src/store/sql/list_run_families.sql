-- list_run_families: the runs $2 of tenant $1 and the live runs within them, however deep, by id.
-- Moves:  nothing
-- Index:  runs_within_run
WITH RECURSIVE family AS (
    SELECT wanted.id
    FROM unnest($2::uuid[]) AS wanted(id)
    UNION
    SELECT r.id
    FROM family
    JOIN runs AS r ON r.tenant_id = $1 AND r.parent_run_id = family.id AND r.finished_at IS NULL
)
SELECT id
FROM family
ORDER BY id
