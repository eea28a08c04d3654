-- fail_descendants: ends the task runs that can never start, because nodes before theirs ($3) failed for good ($4).
-- Moves:  BLOCKED -> UPSTREAM_FAILED
-- Locks:  task_runs of runs that lock_attempts holds.
-- Index:  task_runs_of_run
-- Clock:  the database's.
WITH doomed AS (
    SELECT DISTINCT ON (tenant_id, run_id, node) tenant_id, run_id, node, reason
    FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[]) AS d(tenant_id, run_id, node, reason)
),
ended AS (
    UPDATE task_runs AS t
    SET state = 'UPSTREAM_FAILED', state_reason = d.reason, finished_at = present()
    FROM doomed AS d
    WHERE t.tenant_id = d.tenant_id AND t.run_id = d.run_id AND t.node = d.node AND t.state = 'BLOCKED'
    RETURNING t.tenant_id, t.run_id, t.id, t.node
),
logged AS (
    INSERT INTO events (tenant_id, run_id, task_run_id, kind, at)
    SELECT tenant_id, run_id, id, 'TASK_RUN_UPSTREAM_FAILED', present()
    FROM ended
    ORDER BY run_id, node
)
SELECT run_id, count(*)::integer AS ended
FROM ended
GROUP BY run_id
