-- note_orphans: sets timers for up to 500 shares that wait for an executor which is gone, each once.
-- Moves:  nothing
-- Locks:  new rows.
-- Index:  dispatch_pinned, executor_key_is_unique_among_the_living, timers_of_run
-- Clock:  the database's.
WITH orphans AS (
    SELECT d.tenant_id, d.run_id, d.task_run_id, d.partition
    FROM dispatch AS d
    WHERE d.pinned_to IS NOT NULL AND d.state IN ('READY', 'RETRY_WAIT')
        AND NOT EXISTS (
            SELECT
            FROM executors AS e
            WHERE e.key = d.pinned_to AND e.tenant_id IN (d.tenant_id, '00000000-0000-0000-0000-000000000000')
                AND e.ended_at IS NULL AND e.lease_until > present() AND NOT e.draining)
        AND NOT EXISTS (
            SELECT
            FROM timers AS t
            WHERE t.tenant_id = d.tenant_id AND t.run_id = d.run_id AND t.task_run_id = d.task_run_id
                AND t.kind = 'EXECUTOR_GONE')
    LIMIT 500
)
INSERT INTO timers (tenant_id, partition, due_at, kind, run_id, task_run_id)
SELECT tenant_id, partition, present(), 'EXECUTOR_GONE', run_id, task_run_id
FROM orphans
RETURNING partition
