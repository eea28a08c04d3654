-- count_shares: how the shares of the task runs $2 of tenant $1 stand.
-- Moves:  nothing
-- Index:  task_runs_pkey, task_runs_of_run
SELECT p.id, p.open_items, p.failed_items, s.count, s.under_way
FROM task_runs AS p
CROSS JOIN LATERAL (
    SELECT count(*) AS count, count(*) FILTER (WHERE i.state = 'LIVE') AS under_way
    FROM task_runs AS i
    WHERE i.tenant_id = $1 AND i.run_id = p.run_id AND i.node = p.node AND i.parent_id = p.id
) AS s
WHERE p.tenant_id = $1 AND p.id = ANY ($2::uuid[])
