-- pause_runs: keeps what has not started of the runs $2 of tenant $1 from starting, on behalf of $3. What runs goes on.
-- Moves:  QUEUED, RUNNING -> PAUSED; ASSIGNED -> READY
-- Locks:  dispatch rows; the runs are held. Whoever is just starting some of it is waited for; what has started by then goes on.
-- Index:  runs_pkey, task_runs_of_run, dispatch_pkey
-- Fence:  lowered by one for what was assigned: an executor is told the fence when it starts the attempt, so nobody knows this
--         one, and the next attempt takes its number.
-- Clock:  the database's.
WITH paused AS (
    UPDATE runs
    SET state = 'PAUSED', paused_at = present(), paused_by = $3
    WHERE tenant_id = $1 AND id = ANY ($2) AND state IN ('QUEUED', 'RUNNING') AND stop_as IS NULL
    RETURNING id
),
kept AS (
    UPDATE dispatch AS d
    SET paused = true, state = CASE d.state WHEN 'ASSIGNED' THEN 'READY' ELSE d.state END,
        fence = d.fence - CASE d.state WHEN 'ASSIGNED' THEN 1 ELSE 0 END, executor_id = NULL, assigned_at = NULL
    FROM paused
    JOIN task_runs AS t ON t.tenant_id = $1 AND t.run_id = paused.id AND t.state = 'LIVE'
    WHERE d.tenant_id = t.tenant_id AND d.task_run_id = t.id AND d.state IN ('READY', 'ASSIGNED', 'RETRY_WAIT')
)
INSERT INTO events (tenant_id, run_id, kind, data, at)
SELECT $1, id, 'RUN_PAUSED', jsonb_build_object('by', $3::text), present()
FROM paused
ORDER BY id
