-- start_task_runs: starts what was assigned to executor $1 as far as $2 free slots go, and the ready task runs ($3, $4)
-- that were chosen for it in this transaction.
-- Moves:  ASSIGNED -> RUNNING; READY -> ASSIGNED -> RUNNING; QUEUED -> RUNNING
-- Locks:  runs that have not started, by id, then dispatch. A run that has started is not locked: its executors need not
--         take turns to start what is theirs.
-- Index:  dispatch_held, dispatch_pkey, runs_pkey
-- Fence:  raised for what was ready; returned; every report must present it.
-- Clock:  the database's, so that executors need not agree on the time.
WITH waiting AS (
    SELECT
        tenant_id, task_run_id, run_id,
        sum(cost) OVER (ORDER BY priority DESC, ready_at, task_run_id) AS taken
    FROM dispatch
    WHERE executor_id = $1 AND state = 'ASSIGNED'
),
mine AS (
    SELECT tenant_id, task_run_id, run_id FROM waiting WHERE taken <= $2
    UNION ALL
    SELECT d.tenant_id, d.task_run_id, d.run_id
    FROM unnest($3::uuid[], $4::uuid[]) AS chosen(tenant_id, task_run_id)
    JOIN dispatch AS d ON d.tenant_id = chosen.tenant_id AND d.task_run_id = chosen.task_run_id
    WHERE d.state = 'READY' AND NOT d.paused
),
unstarted AS (
    SELECT r.tenant_id, r.id
    FROM runs AS r
    WHERE (r.tenant_id, r.id) IN (SELECT tenant_id, run_id FROM mine) AND r.state = 'QUEUED'
    ORDER BY r.id
    FOR NO KEY UPDATE OF r
),
turns AS MATERIALIZED (
    SELECT count(*) AS taken FROM unstarted
),
started AS (
    UPDATE dispatch AS d
    SET state = 'RUNNING', executor_id = $1, started_at = present(), begun_at = coalesce(d.begun_at, present()),
        assigned_at = coalesce(d.assigned_at, present()),
        fence = d.fence + CASE d.state WHEN 'READY' THEN 1 ELSE 0 END
    FROM mine, turns
    WHERE d.tenant_id = mine.tenant_id AND d.task_run_id = mine.task_run_id
        AND (d.state = 'READY' AND NOT d.paused OR d.state = 'ASSIGNED' AND d.executor_id = $1)
        AND turns.taken >= 0
    RETURNING d.tenant_id, d.run_id, d.task_run_id, d.version_id, d.node, d.fence, d.item
),
begun AS (
    UPDATE runs AS r
    SET state = 'RUNNING', started_at = present()
    FROM (SELECT DISTINCT tenant_id, run_id FROM started) AS s
    WHERE r.tenant_id = s.tenant_id AND r.id = s.run_id AND r.state = 'QUEUED'
    RETURNING r.tenant_id, r.id
),
logged AS (
    INSERT INTO events (tenant_id, run_id, task_run_id, kind, data, at)
    SELECT tenant_id, run_id, task_run_id, kind, data, present()
    FROM (
        SELECT tenant_id, id AS run_id, NULL::uuid AS task_run_id, 'RUN_STARTED' AS kind, NULL::jsonb AS data
        FROM begun
        UNION ALL
        SELECT
            tenant_id, run_id, task_run_id, 'TASK_RUN_STARTED',
            jsonb_build_object('attempt', fence, 'executor', $1)
        FROM started
    ) AS happened
)
SELECT s.tenant_id, s.run_id, s.task_run_id, s.version_id, s.node, s.fence, s.item, r.inputs
FROM started AS s
JOIN runs AS r ON r.tenant_id = s.tenant_id AND r.id = s.run_id
