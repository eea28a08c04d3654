-- list_runs_in_states: the newest $5 runs of tenant $1 in one of the states $2, with ids after $3 and before $4; of workflow
-- $6, started by $7, created at or after $8 and before $9, where these are given.
-- Moves:  nothing
-- Index:  runs_by_state, once for each state; the ordered reads are merged. The bounds of ids are plain binds: row-level
--         security lets only what cannot leak into an index condition, and COALESCE does not count as such.
SELECT r.*
FROM (SELECT DISTINCT unnest($2::text[])) AS wanted(state)
CROSS JOIN LATERAL (
    SELECT
        id, workflow_id, version_id, state, state_reason, priority, trigger, started_by, inputs, task_runs,
        open_task_runs, failed_task_runs, stop_requested_at, stop_requested_by, stop_as, paused_at, paused_by,
        output, parent_run_id, parent_task_run_id, rerun_of, created_at, started_at, finished_at
    FROM runs
    WHERE tenant_id = $1 AND state = wanted.state AND id > $3 AND id < $4
        AND ($6 IS NULL OR workflow_id = $6)
        AND ($7 IS NULL OR started_by = $7)
        AND ($8 IS NULL OR created_at >= $8)
        AND ($9 IS NULL OR created_at < $9)
    ORDER BY id DESC
    LIMIT $5
) AS r
ORDER BY r.id DESC
LIMIT $5
