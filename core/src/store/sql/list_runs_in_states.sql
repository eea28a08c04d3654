-- list_runs_in_states: the newest $4 runs of tenant $1 in one of the states $2 and older than run $3, if that is given; of
-- workflow $5, started by $6, with ids after $7 and before $8, created at or after $9 and before $10, where these are given.
-- Moves:  nothing
-- Index:  runs_by_state, once for each state; the ordered reads are merged.
SELECT r.*
FROM (SELECT DISTINCT unnest($2::text[])) AS wanted(state)
CROSS JOIN LATERAL (
    SELECT
        id, workflow_id, version_id, state, state_reason, priority, trigger, started_by, inputs, task_runs,
        open_task_runs, failed_task_runs, cancel_requested_at, cancelled_by, created_at, started_at, finished_at
    FROM runs
    WHERE tenant_id = $1 AND state = wanted.state
        AND id < least(coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'), coalesce($8, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
        AND id > coalesce($7, '00000000-0000-0000-0000-000000000000')
        AND ($5 IS NULL OR workflow_id = $5)
        AND ($6 IS NULL OR started_by = $6)
        AND ($9 IS NULL OR created_at >= $9)
        AND ($10 IS NULL OR created_at < $10)
    ORDER BY id DESC
    LIMIT $4
) AS r
ORDER BY r.id DESC
LIMIT $4
