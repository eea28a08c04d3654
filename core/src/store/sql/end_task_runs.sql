-- end_task_runs: ends task runs ($1, $2, $3: tenant, run, task run) that no executor has, each in its state ($4) for its
-- reason ($5) with what it gave ($6).
-- Moves:  BLOCKED -> SUCCEEDED, FAILED, SKIPPED, UPSTREAM_FAILED, CANCELLED; READY, RETRY_WAIT -> FAILED, SKIPPED, SUCCEEDED,
--         CANCELLED; RUNNING -> SUCCEEDED, FAILED, SKIPPED, CANCELLED
-- Locks:  task_runs and dispatch rows of runs that are held.
-- Index:  task_runs_pkey, dispatch_pkey
-- Clock:  the database's.
WITH ended AS (
    SELECT *
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[])
    WITH ORDINALITY AS e(tenant_id, run_id, task_run_id, state, reason, output, place)
),
removed AS (
    DELETE FROM dispatch AS d
    USING ended AS e
    WHERE d.tenant_id = e.tenant_id AND d.task_run_id = e.task_run_id
    RETURNING d.tenant_id, d.task_run_id, d.fence
),
forgotten AS (
    DELETE FROM awaited_events AS a
    USING ended AS e
    WHERE a.tenant_id = e.tenant_id AND a.task_run_id = e.task_run_id
),
settled AS (
    UPDATE task_runs AS t
    SET state = e.state, state_reason = e.reason, output = e.output, finished_at = present(), open_items = 0,
        attempts = coalesce(
            (SELECT r.fence FROM removed AS r WHERE r.tenant_id = e.tenant_id AND r.task_run_id = e.task_run_id), 0)
    FROM ended AS e
    WHERE t.tenant_id = e.tenant_id AND t.id = e.task_run_id
)
INSERT INTO events (tenant_id, run_id, task_run_id, kind, data, at)
SELECT
    tenant_id, run_id, task_run_id, 'TASK_RUN_' || state,
    CASE WHEN reason IS NOT NULL THEN jsonb_build_object('reason', reason) END, present()
FROM ended
ORDER BY place
