-- list_long_waits: up to $2 task runs that wait for an executor for longer than rules allow. A rule of $1 looks at those that
-- came to wait that long since it looked last, or at all of them the first time.
-- Moves:  nothing
-- Locks:  nothing; the alerts' lock is held.
-- Index:  dispatch_ready, the tenant's part of the partition; alert_causes_pkey
-- Clock:  the database's.
SELECT w.rule_id, w.tenant_id, d.task_run_id, t.key AS task_run_key, d.run_id, r.workflow_id, f.key AS workflow_key, d.since
FROM jsonb_to_recordset($1::jsonb)
    AS w(rule_id uuid, tenant_id uuid, partition smallint, workflow_id uuid, longer_than_ms bigint, since timestamptz)
CROSS JOIN LATERAL (
    SELECT d.task_run_id, d.run_id, d.ready_at AS since
    FROM dispatch AS d
    WHERE d.state = 'READY' AND NOT d.paused AND d.partition = w.partition AND d.tenant_id = w.tenant_id
        AND d.ready_at <= present() - w.longer_than_ms * interval '1 millisecond'
        AND (w.since IS NULL OR d.ready_at > w.since)
        AND NOT EXISTS (
            SELECT
            FROM alert_causes AS c
            WHERE c.tenant_id = w.tenant_id AND c.rule_id = w.rule_id AND c.cause = 'task-run:' || d.task_run_id
        )
) AS d
JOIN runs AS r ON r.tenant_id = w.tenant_id AND r.id = d.run_id
JOIN workflows AS f ON f.tenant_id = w.tenant_id AND f.id = r.workflow_id
JOIN task_runs AS t ON t.tenant_id = w.tenant_id AND t.id = d.task_run_id
WHERE w.workflow_id IS NULL OR r.workflow_id = w.workflow_id
LIMIT $2
