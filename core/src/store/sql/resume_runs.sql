-- resume_runs: lets the paused ones of the runs $2 of tenant $1 go on, on behalf of $3. What waits for its next attempt waits until
-- the same instant as before.
-- Moves:  PAUSED -> RUNNING, QUEUED
-- Locks:  dispatch rows that nobody else wants while they are paused; the runs are held.
-- Index:  runs_pkey, task_runs_of_run, dispatch_pkey
-- Clock:  the database's.
WITH resumed AS (
    UPDATE runs
    SET state = CASE WHEN started_at IS NULL THEN 'QUEUED' ELSE 'RUNNING' END, paused_at = NULL, paused_by = NULL
    WHERE tenant_id = $1 AND id = ANY ($2) AND state = 'PAUSED' AND stop_as IS NULL
    RETURNING id
),
freed AS (
    UPDATE dispatch AS d
    SET paused = false
    FROM resumed
    JOIN task_runs AS t ON t.tenant_id = $1 AND t.run_id = resumed.id AND t.state = 'LIVE'
    WHERE d.tenant_id = t.tenant_id AND d.task_run_id = t.id AND d.paused
),
logged AS (
    INSERT INTO events (tenant_id, run_id, kind, data, at)
    SELECT $1, id, 'RUN_RESUMED', jsonb_build_object('by', $3::text), present()
    FROM resumed
    ORDER BY id
)
SELECT id FROM resumed ORDER BY id
