-- measure_nodes: how long each node of workflow $2 of tenant $1 took in the latest $3 runs that have ended: the median, in
-- milliseconds, and the runs it is from. A node with several task runs in one run took from its first start to its last end;
-- attempts that did not succeed do not count. At most $4 task runs are read, those of the latest runs first.
-- Moves:  nothing
-- Index:  runs_of_workflow, backwards; task_runs_of_run; attempts_pkey.
WITH latest AS (
    SELECT id
    FROM runs
    WHERE tenant_id = $1 AND workflow_id = $2 AND finished_at IS NOT NULL
    ORDER BY id DESC
    LIMIT $3
),
succeeded AS (
    SELECT latest.id AS run_id, t.id, t.key
    FROM latest
    CROSS JOIN LATERAL (
        SELECT id, key
        FROM task_runs
        WHERE tenant_id = $1 AND run_id = latest.id AND state = 'SUCCEEDED'
    ) AS t
    ORDER BY latest.id DESC
    LIMIT $4
),
taken AS (
    SELECT s.run_id, s.key, max(a.finished_at) - min(a.started_at) AS took
    FROM succeeded AS s
    JOIN attempts AS a ON a.tenant_id = $1 AND a.task_run_id = s.id AND a.outcome = 'SUCCEEDED'
    WHERE a.started_at IS NOT NULL
    GROUP BY s.run_id, s.key
)
SELECT
    key,
    (percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM took) * 1000))::bigint AS milliseconds,
    count(*)::integer AS runs
FROM taken
GROUP BY key
