-- list_waiting_task_runs: of each of the runs $2 of tenant $1 the first $3 live task runs that wait for something outside of the
-- run: all but those that an executor is at, or that wait for their shares. When the run is to stop, all that are live.
-- Moves:  nothing
-- Index:  runs_pkey, task_runs_of_run, dispatch_pkey
SELECT w.task_run_id
FROM runs AS r
CROSS JOIN LATERAL (
    SELECT d.task_run_id
    FROM task_runs AS t
    JOIN dispatch AS d ON d.tenant_id = t.tenant_id AND d.task_run_id = t.id
    WHERE t.tenant_id = $1 AND t.run_id = r.id AND t.state = 'LIVE'
        AND (r.stop_as IS NOT NULL OR d.state <> 'RUNNING' OR d.hold <> 'ITEMS')
    ORDER BY t.node, t.item
    LIMIT $3
) AS w
WHERE r.tenant_id = $1 AND r.id = ANY ($2::uuid[]) AND r.finished_at IS NULL
