-- finish_runs: counts $3 more ended, $4 more failed task runs of each run, and ends the runs of which nothing is open. What a
-- run whose version says so ($6) comes to is left to be judged; it is returned with nothing open.
-- Moves:  QUEUED, RUNNING, PAUSED -> SUCCEEDED, FAILED, CANCELLED, TIMED_OUT
-- Locks:  runs that are held.
-- Index:  runs_pkey, watched_runs_pkey
-- Clock:  the database's.
WITH done AS (
    SELECT *
    FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::integer[], $5::text[], $6::boolean[])
        AS d(tenant_id, run_id, ended, failed, reason, judged)
),
counted AS (
    UPDATE runs AS r
    SET open_task_runs = r.open_task_runs - d.ended,
        failed_task_runs = r.failed_task_runs + d.failed,
        state_reason = coalesce(r.state_reason, d.reason),
        state = CASE
            WHEN r.open_task_runs > d.ended OR d.judged AND r.stop_as IS NULL THEN r.state
            WHEN r.stop_as IS NOT NULL THEN r.stop_as
            WHEN r.failed_task_runs + d.failed > 0 THEN 'FAILED'
            ELSE 'SUCCEEDED'
        END,
        finished_at = CASE
            WHEN r.open_task_runs > d.ended OR d.judged AND r.stop_as IS NULL THEN NULL
            ELSE present()
        END
    FROM done AS d
    WHERE r.tenant_id = d.tenant_id AND r.id = d.run_id
    RETURNING
        r.tenant_id, r.id, r.state, r.state_reason, r.finished_at, r.open_task_runs, r.failed_task_runs, r.parent_run_id,
        r.parent_task_run_id
),
logged AS (
    INSERT INTO events (tenant_id, run_id, kind, data, at)
    SELECT
        tenant_id, id, 'RUN_' || state,
        CASE WHEN state_reason IS NOT NULL THEN jsonb_build_object('reason', state_reason) END,
        present()
    FROM counted
    WHERE finished_at IS NOT NULL
),
watched AS (
    UPDATE watched_runs AS w
    SET ended_as = c.state, ended_at = c.finished_at
    FROM counted AS c
    WHERE c.finished_at IS NOT NULL AND w.tenant_id = c.tenant_id AND w.run_id = c.id
    RETURNING w.run_id
)
SELECT
    id, finished_at IS NOT NULL AS finished, failed_task_runs, parent_run_id, parent_task_run_id,
    watched.run_id IS NOT NULL AS watched
FROM counted
LEFT JOIN watched ON watched.run_id = counted.id
WHERE open_task_runs = 0
