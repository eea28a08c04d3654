-- cancel_waiting: ends what will not start of run $2: what was taken out of the dispatch ($3: task run, $4: attempts, and for
-- those that had an executor $5: who, $6: since when) and all that waited for it. Tells the executors of the rest to stop.
-- Moves:  BLOCKED, READY, ASSIGNED, RETRY_WAIT -> CANCELLED; QUEUED, RUNNING, PAUSED -> CANCELLED
-- Locks:  the run, held already; its task runs and dispatch rows.
-- Index:  task_runs_of_run, dispatch_pkey
-- Clock:  the database's.
WITH dropped AS (
    SELECT *
    FROM unnest($3::uuid[], $4::integer[], $5::uuid[], $6::timestamptz[])
        AS d(task_run_id, fence, executor_id, assigned_at)
),
history AS (
    INSERT INTO attempts (tenant_id, task_run_id, number, executor_id, outcome, message, assigned_at, finished_at)
    SELECT $1, task_run_id, fence, executor_id, 'CANCELLED', 'its run was cancelled before it started', assigned_at,
        present()
    FROM dropped
    WHERE executor_id IS NOT NULL
),
ended AS (
    UPDATE task_runs AS t
    SET state = 'CANCELLED', state_reason = $8, finished_at = present(),
        attempts = coalesce((SELECT fence FROM dropped WHERE task_run_id = t.id), 0)
    WHERE t.tenant_id = $1 AND t.run_id = $2
        AND (t.state = 'BLOCKED' OR t.id IN (SELECT task_run_id FROM dropped))
    RETURNING t.id, t.node
),
told AS (
    UPDATE dispatch AS d
    SET stop_requested = true
    FROM task_runs AS t
    WHERE t.tenant_id = $1 AND t.run_id = $2 AND t.state = 'LIVE'
        AND d.tenant_id = t.tenant_id AND d.task_run_id = t.id AND d.state = 'RUNNING'
    RETURNING d.executor_id
),
stopped AS (
    UPDATE runs
    SET stop_requested_at = present(), stop_as = 'CANCELLED', stop_requested_by = $7, state_reason = $8,
        open_task_runs = open_task_runs - (SELECT count(*) FROM ended),
        state = CASE open_task_runs WHEN (SELECT count(*) FROM ended) THEN 'CANCELLED' ELSE state END,
        finished_at = CASE open_task_runs WHEN (SELECT count(*) FROM ended) THEN present() END
    WHERE tenant_id = $1 AND id = $2
    RETURNING id, state, finished_at
),
logged AS (
    INSERT INTO events (tenant_id, run_id, task_run_id, kind, data, at)
    SELECT $1, $2, task_run_id, kind, data, present()
    FROM (
        SELECT NULL::uuid AS task_run_id, 'RUN_CANCEL_REQUESTED' AS kind, jsonb_build_object('by', $7) AS data
        UNION ALL
        (SELECT id, 'TASK_RUN_CANCELLED', NULL FROM ended ORDER BY node)
        UNION ALL
        SELECT NULL, 'RUN_CANCELLED', jsonb_build_object('reason', $8) FROM stopped WHERE finished_at IS NOT NULL
    ) AS happened
)
SELECT DISTINCT executor_id
FROM told
