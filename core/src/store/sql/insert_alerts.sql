-- insert_alerts: records alerts, and says so in the log.
-- Moves:  nothing
-- Locks:  new rows only.
-- Clock:  the database's.
WITH raised AS (
    INSERT INTO alerts (
        tenant_id, id, rule_id, rule_key, kind, severity, group_key, workflow_id, run_id, task_run_id, executor_id, message,
        count, cause_seq, silence_id, raised_at, last_at, resolved_at)
    SELECT
        tenant_id, id, rule_id, rule_key, kind, severity, group_key, workflow_id, run_id, task_run_id, executor_id, message,
        count, cause_seq, silence_id, raised_at, raised_at, resolved_at
    FROM jsonb_to_recordset($1::jsonb) AS a(
        tenant_id uuid, id uuid, rule_id uuid, rule_key text, kind text, severity text, group_key text, workflow_id uuid,
        run_id uuid, task_run_id uuid, executor_id uuid, message text, count integer, cause_seq bigint, silence_id uuid,
        raised_at timestamptz, resolved_at timestamptz)
    RETURNING tenant_id, id
)
INSERT INTO events (tenant_id, kind, data, at)
SELECT tenant_id, 'ALERT_RAISED', jsonb_build_object('alert', id), present()
FROM raised
ORDER BY id
