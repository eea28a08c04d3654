-- list_alert_causes: the first $5 events after number $3 up to $4 that rules speak of, of each tenant of $1 the kinds in the
-- same place of $2, with what there is to say of them. Events with the same number, which is one of a shared executor that
-- several tenants hear of, are never parted.
-- Moves:  nothing
-- Locks:  nothing; the alerts' lock is held.
-- Index:  events_pkey, once for each tenant that has rules and once for the platform; the rest by the keys of what was found.
WITH wanted AS (
    SELECT tenant_id, string_to_array(kinds, ' ') AS kinds
    FROM unnest($1::uuid[], $2::text[]) AS w(tenant_id, kinds)
),
found AS (
    SELECT w.tenant_id, own.*
    FROM wanted AS w
    CROSS JOIN LATERAL (
        SELECT seq, run_id, task_run_id, kind, data, at
        FROM events
        WHERE tenant_id = w.tenant_id AND seq > $3 AND seq <= $4 AND kind = ANY (w.kinds)
        ORDER BY seq
        LIMIT $5
    ) AS own
    UNION ALL
    SELECT w.tenant_id, shared.*
    FROM (
        SELECT seq, run_id, task_run_id, kind, data, at
        FROM events
        WHERE tenant_id = '00000000-0000-0000-0000-000000000000' AND seq > $3 AND seq <= $4
            AND kind IN ('EXECUTOR_LOST', 'EXECUTOR_REGISTERED')
        ORDER BY seq
        LIMIT $5
    ) AS shared
    JOIN wanted AS w ON shared.kind = ANY (w.kinds)
    ORDER BY seq
    FETCH FIRST ($5) ROWS WITH TIES
)
SELECT
    f.tenant_id, f.seq, f.kind, f.at, f.run_id, f.task_run_id, t.key AS task_run_key,
    coalesce(r.workflow_id, refused.id) AS workflow_id, coalesce(w.key, refused.key, f.data ->> 'workflow') AS workflow_key,
    coalesce(place.executor_id::text, f.data ->> 'executor') AS executor_id,
    coalesce(place.executor_key, CASE WHEN f.run_id IS NULL THEN f.data ->> 'key' END) AS executor_key,
    f.data
FROM found AS f
LEFT JOIN runs AS r ON r.tenant_id = f.tenant_id AND r.id = f.run_id
LEFT JOIN workflows AS w ON w.tenant_id = f.tenant_id AND w.id = r.workflow_id
LEFT JOIN workflows AS refused
    ON f.kind = 'WORKFLOW_REFUSED' AND refused.tenant_id = f.tenant_id AND refused.key = f.data ->> 'workflow'
    AND refused.deleted_at IS NULL
LEFT JOIN task_runs AS t ON t.tenant_id = f.tenant_id AND t.id = f.task_run_id
LEFT JOIN LATERAL (
    SELECT a.executor_id, x.key AS executor_key
    FROM task_runs AS failed
    JOIN attempts AS a ON a.tenant_id = failed.tenant_id AND a.task_run_id = failed.id
    JOIN executors AS x ON x.id = a.executor_id
    WHERE f.kind IN ('RUN_FAILED', 'RUN_TIMED_OUT') AND failed.tenant_id = f.tenant_id AND failed.run_id = f.run_id
        AND failed.state = 'FAILED'
    ORDER BY failed.finished_at, a.number DESC
    LIMIT 1
) AS place ON true
ORDER BY f.seq
