-- scan_runs_in_states: the first $5 runs of tenant $1 in one of the states $2, with ids after $3 and before $4, and what it takes
-- to tell whether they are meant.
-- Moves:  nothing
-- Index:  runs_by_state, once for each state; the ordered reads are merged. Nothing else narrows them, so that a page costs a page
--         however few of its runs are meant.
SELECT r.id, r.workflow_id, r.started_by, r.created_at
FROM (SELECT DISTINCT unnest($2::text[])) AS wanted(state)
CROSS JOIN LATERAL (
    SELECT id, workflow_id, started_by, created_at
    FROM runs
    WHERE tenant_id = $1 AND state = wanted.state AND id > $3 AND id < $4
    ORDER BY id
    LIMIT $5
) AS r
ORDER BY r.id
LIMIT $5
