-- list_items: of each of the task runs $2 of tenant $1, the first $5 shares after the place $3, in one of the states $4 if these are
-- given.
-- Moves:  nothing
-- Index:  task_runs_pkey, task_runs_of_run, dispatch_pkey
SELECT s.*
FROM unnest($2::uuid[]) AS wanted(id)
JOIN task_runs AS p ON p.tenant_id = $1 AND p.id = wanted.id
CROSS JOIN LATERAL (
    SELECT p.id AS parent_id, t.id, t.item
    FROM task_runs AS t
    LEFT JOIN dispatch AS d ON d.tenant_id = t.tenant_id AND d.task_run_id = t.id AND t.state = 'LIVE'
    WHERE t.tenant_id = $1 AND t.run_id = p.run_id AND t.node = p.node AND t.item > $3 AND t.parent_id = p.id
        AND ($4::text[] IS NULL OR CASE t.state WHEN 'LIVE' THEN d.state ELSE t.state END = ANY ($4))
    ORDER BY t.item
    LIMIT $5
) AS s
