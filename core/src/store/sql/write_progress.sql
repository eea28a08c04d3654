-- write_progress: writes down how far the attempts ($1, $2, $3: tenant, task run, fence) are: $4 percent, and what they
-- say of it ($5).
-- Moves:  nothing
-- Locks:  progress, by task run.
-- Index:  dispatch_pkey, progress_pkey
-- Fence:  an attempt whose fence was overtaken, or that has ended, says nothing any more.
-- Clock:  the database's.
WITH told AS (
    SELECT d.tenant_id, d.run_id, d.task_run_id, d.fence, greatest(0, least(100, p.percent)) AS percent, p.message
    FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::double precision[], $5::text[])
        AS p(tenant_id, task_run_id, fence, percent, message)
    JOIN dispatch AS d ON d.tenant_id = p.tenant_id AND d.task_run_id = p.task_run_id
    WHERE d.fence = p.fence AND d.state = 'RUNNING'
    ORDER BY d.task_run_id
),
written AS (
    INSERT INTO progress (tenant_id, task_run_id, attempt, percent, message, at)
    SELECT tenant_id, task_run_id, fence, percent, message, present()
    FROM told
    ON CONFLICT (tenant_id, task_run_id) DO UPDATE
    SET attempt = excluded.attempt, percent = excluded.percent, message = excluded.message, at = excluded.at
),
logged AS (
    INSERT INTO events (tenant_id, run_id, task_run_id, kind, data, at)
    SELECT
        tenant_id, run_id, task_run_id, 'TASK_RUN_PROGRESS',
        jsonb_strip_nulls(jsonb_build_object('attempt', fence, 'percent', percent, 'message', message)), present()
    FROM told
)
SELECT DISTINCT tenant_id
FROM told
