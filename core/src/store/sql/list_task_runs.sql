-- list_task_runs: of each of the runs $2 of tenant $1, the first $5 task runs of nodes after the place $3, in one of the states $4
-- if these are given. The shares of a node are not among them.
-- Moves:  nothing
-- Index:  task_runs_of_run, dispatch_pkey, attempts_pkey, progress_pkey
SELECT t.*
FROM unnest($2::uuid[]) AS wanted(run_id)
CROSS JOIN LATERAL (
    SELECT
        t.id, t.run_id, t.node, t.key, t.state_reason, t.output, t.finished_at, t.parent_id, t.item, t.item_value,
        CASE t.state WHEN 'LIVE' THEN d.state ELSE t.state END AS state,
        CASE t.state WHEN 'LIVE' THEN d.fence ELSE t.attempts END AS attempts,
        coalesce(
            (SELECT a.started_at
             FROM attempts AS a
             WHERE a.tenant_id = $1 AND a.task_run_id = t.id AND a.started_at IS NOT NULL
             ORDER BY a.number
             LIMIT 1),
            d.started_at) AS started_at,
        d.executor_id, d.hold, p.percent, p.message, p.at AS said_at,
        CASE d.state WHEN 'RETRY_WAIT' THEN d.ready_at END AS retry_at
    FROM task_runs AS t
    LEFT JOIN dispatch AS d ON d.tenant_id = t.tenant_id AND d.task_run_id = t.id AND t.state = 'LIVE'
    LEFT JOIN progress AS p ON p.tenant_id = t.tenant_id AND p.task_run_id = t.id
    WHERE t.tenant_id = $1 AND t.run_id = wanted.run_id AND t.node > $3 AND t.item IS NULL
        AND ($4::text[] IS NULL OR CASE t.state WHEN 'LIVE' THEN d.state ELSE t.state END = ANY ($4))
    ORDER BY t.node
    LIMIT $5
) AS t
