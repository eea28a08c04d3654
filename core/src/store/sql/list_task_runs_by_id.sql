-- list_task_runs_by_id: the task runs $2 of tenant $1.
-- Moves:  nothing
-- Index:  task_runs_pkey, dispatch_pkey, attempts_pkey, progress_pkey
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
WHERE t.tenant_id = $1 AND t.id = ANY ($2::uuid[])
