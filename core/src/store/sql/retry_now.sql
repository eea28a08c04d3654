-- retry_now: makes task run $2 of tenant $1 ready, which was to be tried again later, because $3 does not want to wait.
-- Moves:  RETRY_WAIT -> READY
-- Locks:  dispatch; the run is held, and the row was locked before.
-- Index:  dispatch_pkey
-- Clock:  the database's.
WITH hurried AS (
    UPDATE dispatch
    SET state = 'READY', ready_at = present()
    WHERE tenant_id = $1 AND task_run_id = $2 AND state = 'RETRY_WAIT'
    RETURNING run_id, task_run_id
)
INSERT INTO events (tenant_id, run_id, task_run_id, kind, data, at)
SELECT $1, run_id, task_run_id, 'TASK_RUN_READY', jsonb_build_object('by', $3::text), present()
FROM hurried
