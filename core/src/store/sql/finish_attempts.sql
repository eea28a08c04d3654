-- finish_attempts: records the end of attempts that lock_attempts holds, and what becomes of their task runs ($7).
-- Moves:  RUNNING -> SUCCEEDED; ASSIGNED, RUNNING -> FAILED, SKIPPED, CANCELLED, RETRY_WAIT, READY
-- Locks:  rows that are held already.
-- Index:  dispatch_pkey, task_runs_pkey
-- Fence:  checked by lock_attempts in this transaction.
-- Clock:  the database's.
WITH ended AS (
    SELECT *
    FROM unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::uuid[], $6::text[], $7::text[], $8::text[],
        $9::integer[], $10::integer[], $11::text[], $12::jsonb[], $13::timestamptz[], $14::timestamptz[],
        $15::bigint[], $16::integer[], $17::integer[], $18::boolean[])
    WITH ORDINALITY AS e(
        tenant_id, run_id, task_run_id, fence, executor_id, outcome, state, reason,
        exit_code, http_status, message, output, assigned_at, started_at,
        delay_ms, failures, faults, paused, place)
),
history AS (
    INSERT INTO attempts (
        tenant_id, task_run_id, number, executor_id, outcome, exit_code, http_status, message, output,
        assigned_at, started_at, finished_at)
    SELECT
        tenant_id, task_run_id, fence, executor_id, outcome, exit_code, http_status, message, output,
        assigned_at, started_at, present()
    FROM ended
),
removed AS (
    DELETE FROM dispatch AS d
    USING ended AS e
    WHERE d.tenant_id = e.tenant_id AND d.task_run_id = e.task_run_id AND e.state NOT IN ('READY', 'RETRY_WAIT')
),
again AS (
    UPDATE dispatch AS d
    SET state = e.state, executor_id = NULL, assigned_at = NULL, started_at = NULL, stop_requested = false,
        stop_at_once = false, hold = NULL, paused = e.paused,
        ready_at = present() + e.delay_ms * interval '1 millisecond', failures = e.failures, faults = e.faults
    FROM ended AS e
    WHERE d.tenant_id = e.tenant_id AND d.task_run_id = e.task_run_id AND e.state IN ('READY', 'RETRY_WAIT')
),
settled AS (
    UPDATE task_runs AS t
    SET state = e.state, state_reason = e.reason, attempts = e.fence, finished_at = present(),
        output = CASE e.state WHEN 'SUCCEEDED' THEN e.output END
    FROM ended AS e
    WHERE t.tenant_id = e.tenant_id AND t.id = e.task_run_id AND e.state NOT IN ('READY', 'RETRY_WAIT')
)
INSERT INTO events (tenant_id, run_id, task_run_id, kind, data, at)
SELECT
    tenant_id, run_id, task_run_id, 'TASK_RUN_' || state,
    jsonb_strip_nulls(jsonb_build_object(
        'attempt', fence, 'outcome', outcome, 'message', message,
        'notBefore', CASE state WHEN 'RETRY_WAIT' THEN present() + delay_ms * interval '1 millisecond' END)),
    present()
FROM ended
ORDER BY place
