-- await_event: notes that task run $3 of run $2 of tenant $1 waits for an event of the name $4, and of the key $5 if one is
-- given; tells whether one has been published since the run was accepted.
-- Moves:  nothing
-- Locks:  a new row; the name is locked by the caller.
-- Index:  published_events_by_name, runs_pkey
WITH waits AS (
    INSERT INTO awaited_events (tenant_id, task_run_id, run_id, name, key)
    VALUES ($1, $3, $2, $4, $5)
)
SELECT EXISTS (
    SELECT
    FROM published_events AS e
    WHERE e.tenant_id = $1 AND e.name = $4 AND ($5::text IS NULL OR e.key = $5)
        AND e.at >= (SELECT created_at FROM runs WHERE tenant_id = $1 AND id = $2)
) AS published
