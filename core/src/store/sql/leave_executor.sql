-- leave_executor: ends the life of executor $1, which owns nothing any more.
-- Moves:  nothing
-- Locks:  its row.
-- Index:  executors_by_id
-- Clock:  the database's.
WITH left_one AS (
    UPDATE executors
    SET ended_at = present(), end_reason = 'LEFT', running = 0
    WHERE id = $1 AND ended_at IS NULL
    RETURNING tenant_id, id, key
),
logged AS (
    INSERT INTO events (tenant_id, kind, data, at)
    SELECT tenant_id, 'EXECUTOR_LEFT', jsonb_build_object('executor', id, 'key', key), present()
    FROM left_one
)
SELECT tenant_id
FROM left_one
