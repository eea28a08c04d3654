-- promote_retries: makes ready what was to be tried again by now in partition $1, at most 1,000.
-- Moves:  RETRY_WAIT -> READY
-- Locks:  dispatch; rows that a cancel is taking away are passed over.
-- Index:  dispatch_waiting
-- Clock:  the database's.
WITH due AS (
    SELECT tenant_id, task_run_id
    FROM dispatch
    WHERE partition = $1 AND state = 'RETRY_WAIT' AND NOT paused AND ready_at <= present()
    ORDER BY ready_at
    LIMIT 1000
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE dispatch AS d
SET state = 'READY'
FROM due
WHERE d.tenant_id = due.tenant_id AND d.task_run_id = due.task_run_id
