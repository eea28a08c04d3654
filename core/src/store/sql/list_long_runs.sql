-- list_long_runs: up to $2 runs that have taken longer than rules allow: a time, or so many times the median of what the runs
-- of the workflow took that succeeded last. With fewer than three of them there is no usual time.
-- Moves:  nothing
-- Locks:  nothing; the alerts' lock is held.
-- Index:  runs_by_state, the runs of tenants with such rules that are under way; runs_of_workflow, at most 1,000 of each of
--         their workflows; alert_causes_pkey
-- Clock:  the database's.
WITH live AS (
    SELECT w.rule_id, w.tenant_id, w.longer_than_ms, w.times, w.of_last, r.id, r.workflow_id, r.started_at
    FROM jsonb_to_recordset($1::jsonb) AS w(
        rule_id uuid, tenant_id uuid, workflow_id uuid, longer_than_ms bigint, times double precision, of_last integer)
    JOIN runs AS r ON r.tenant_id = w.tenant_id AND r.state = 'RUNNING'
    WHERE w.workflow_id IS NULL OR r.workflow_id = w.workflow_id
),
usual AS (
    SELECT l.rule_id, l.workflow_id, l.times * past.median_ms AS expected_ms
    FROM (SELECT DISTINCT rule_id, tenant_id, workflow_id, times, of_last FROM live WHERE times IS NOT NULL) AS l
    CROSS JOIN LATERAL (
        SELECT
            percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at) * 1000) AS median_ms,
            count(*) AS runs
        FROM (
            SELECT started_at, finished_at, row_number() OVER (ORDER BY id DESC) AS place
            FROM (
                SELECT id, state, started_at, finished_at
                FROM runs
                WHERE tenant_id = l.tenant_id AND workflow_id = l.workflow_id
                ORDER BY id DESC
                LIMIT 1000
            ) AS latest
            WHERE state = 'SUCCEEDED'
        ) AS succeeded
        WHERE place <= l.of_last
    ) AS past
    WHERE past.runs >= 3
)
SELECT l.rule_id, l.tenant_id, l.id AS run_id, l.workflow_id, f.key AS workflow_key, l.started_at AS since
FROM live AS l
LEFT JOIN usual AS u ON u.rule_id = l.rule_id AND u.workflow_id = l.workflow_id
JOIN workflows AS f ON f.tenant_id = l.tenant_id AND f.id = l.workflow_id
WHERE l.started_at <= present() - least(l.longer_than_ms, u.expected_ms) * interval '1 millisecond'
    AND NOT EXISTS (
        SELECT
        FROM alert_causes AS c
        WHERE c.tenant_id = l.tenant_id AND c.rule_id = l.rule_id AND c.cause = 'run:' || l.id
    )
LIMIT $2
