-- list_under_way: the runs under way of the schedule $2, of the workflow $3 or of the key $4 of tenant $1, the first 1,000.
-- Moves:  nothing
-- Locks:  nothing; they are locked before anything is done about them.
-- Index:  watched_runs_of_schedule, watched_runs_of_workflow, watched_runs_of_key
(SELECT run_id FROM watched_runs WHERE tenant_id = $1 AND schedule_id = $2 AND ended_as IS NULL LIMIT 1000)
UNION
(SELECT run_id FROM watched_runs WHERE tenant_id = $1 AND workflow_id = $3 AND ended_as IS NULL LIMIT 1000)
UNION
(SELECT run_id FROM watched_runs WHERE tenant_id = $1 AND overlap_key = $4 AND ended_as IS NULL LIMIT 1000)
ORDER BY run_id
