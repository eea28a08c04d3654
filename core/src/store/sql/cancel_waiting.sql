-- cancel_waiting: ends what will not start of run $2, for the reason $9: what was taken out of the dispatch ($3: task run, $4:
-- attempts, and for those that had an executor $5: who, $6, $7: since when) and all that waited for it. The run, told by $8, ends
-- as $10 for the reason $11 when nothing of it is open. The executors of the rest are told to stop if $12 says so, and to leave
-- no grace if $13 does.
-- Moves:  BLOCKED, READY, ASSIGNED, RETRY_WAIT, RUNNING -> CANCELLED; QUEUED, RUNNING, PAUSED -> CANCELLED, FAILED, TIMED_OUT
-- Locks:  the run, held already; its task runs and dispatch rows.
-- Index:  task_runs_of_run, dispatch_pkey, watched_runs_pkey
-- Clock:  the database's.
WITH dropped AS (
    SELECT *
    FROM unnest($3::uuid[], $4::integer[], $5::uuid[], $6::timestamptz[], $7::timestamptz[])
        AS d(task_run_id, fence, executor_id, assigned_at, started_at)
),
history AS (
    INSERT INTO attempts (
        tenant_id, task_run_id, number, executor_id, outcome, message, assigned_at, started_at, finished_at)
    SELECT
        $1, task_run_id, fence, executor_id, 'CANCELLED',
        CASE WHEN started_at IS NULL THEN 'its run was stopped before it started' ELSE 'its run was stopped' END,
        assigned_at, started_at, present()
    FROM dropped
    WHERE executor_id IS NOT NULL
),
forgotten AS (
    DELETE FROM awaited_events AS a
    USING dropped
    WHERE a.tenant_id = $1 AND a.task_run_id = dropped.task_run_id
),
ended AS (
    UPDATE task_runs AS t
    SET state = 'CANCELLED', state_reason = $9, finished_at = present(), open_items = 0,
        attempts = coalesce((SELECT fence FROM dropped WHERE task_run_id = t.id), 0)
    WHERE t.tenant_id = $1 AND t.run_id = $2
        AND (t.state = 'BLOCKED' OR t.id IN (SELECT task_run_id FROM dropped))
    RETURNING t.id, t.node
),
told AS (
    UPDATE dispatch AS d
    SET stop_requested = true, stop_at_once = d.stop_at_once OR $13
    FROM task_runs AS t
    WHERE $12 AND t.tenant_id = $1 AND t.run_id = $2 AND t.state = 'LIVE'
        AND d.tenant_id = t.tenant_id AND d.task_run_id = t.id AND d.state = 'RUNNING' AND d.hold IS NULL
    RETURNING d.executor_id
),
stopped AS (
    UPDATE runs
    SET stop_requested_at = coalesce(stop_requested_at, present()), stop_requested_by = coalesce($8, stop_requested_by),
        stop_as = $10, state_reason = coalesce($11, state_reason),
        open_task_runs = open_task_runs - (SELECT count(*) FROM ended),
        state = CASE open_task_runs WHEN (SELECT count(*) FROM ended) THEN $10 ELSE state END,
        finished_at = CASE open_task_runs WHEN (SELECT count(*) FROM ended) THEN present() END
    WHERE tenant_id = $1 AND id = $2
    RETURNING id, state, finished_at, parent_run_id, parent_task_run_id
),
logged AS (
    INSERT INTO events (tenant_id, run_id, task_run_id, kind, data, at)
    SELECT $1, $2, task_run_id, kind, data, present()
    FROM (
        SELECT
            NULL::uuid AS task_run_id, 'RUN_CANCEL_REQUESTED' AS kind,
            jsonb_strip_nulls(jsonb_build_object('by', $8::text, 'atOnce', CASE WHEN $13 THEN true END)) AS data
        WHERE $8::text IS NOT NULL
        UNION ALL
        (SELECT id, 'TASK_RUN_CANCELLED', NULL FROM ended ORDER BY node)
        UNION ALL
        SELECT NULL, 'RUN_' || state, jsonb_build_object('reason', $11::text) FROM stopped WHERE finished_at IS NOT NULL
    ) AS happened
),
watched AS (
    UPDATE watched_runs AS w
    SET ended_as = s.state, ended_at = s.finished_at
    FROM stopped AS s
    WHERE s.finished_at IS NOT NULL AND w.tenant_id = $1 AND w.run_id = s.id
    RETURNING 1
)
SELECT
    told.executor_id, stopped.finished_at IS NOT NULL AS finished, stopped.parent_run_id, stopped.parent_task_run_id,
    EXISTS (SELECT FROM watched) AS watched
FROM stopped
LEFT JOIN (SELECT DISTINCT executor_id FROM told) AS told ON true
