-- end_run: ends run $2 of tenant $1, of which nothing is open, in the state $3, for the reason $4, returning $5.
-- Moves:  QUEUED, RUNNING, PAUSED -> SUCCEEDED, FAILED, CANCELLED, TIMED_OUT
-- Locks:  the run, which is held.
-- Index:  runs_pkey, watched_runs_pkey
-- Clock:  the database's.
WITH ended AS (
    UPDATE runs
    SET state = $3, state_reason = coalesce($4, CASE $3 WHEN 'FAILED' THEN state_reason END), output = $5, finished_at = present()
    WHERE tenant_id = $1 AND id = $2
    RETURNING id, state_reason, finished_at
),
logged AS (
    INSERT INTO events (tenant_id, run_id, kind, data, at)
    SELECT $1, id, 'RUN_' || $3, CASE WHEN state_reason IS NOT NULL THEN jsonb_build_object('reason', state_reason) END, present()
    FROM ended
)
UPDATE watched_runs AS w
SET ended_as = $3, ended_at = ended.finished_at
FROM ended
WHERE w.tenant_id = $1 AND w.run_id = ended.id
