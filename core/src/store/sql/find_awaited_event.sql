-- find_awaited_event: the first event since run $2 of tenant $1 was accepted that task run $3 waits for.
-- Moves:  nothing
-- Locks:  nothing; the run is held.
-- Index:  awaited_events_pkey, published_events_by_name, runs_pkey
SELECT e.id, e.name, e.key, e.payload, e.published_by
FROM awaited_events AS a
JOIN published_events AS e ON e.tenant_id = a.tenant_id AND e.name = a.name AND (a.key IS NULL OR e.key = a.key)
WHERE a.tenant_id = $1 AND a.task_run_id = $3
    AND e.at >= (SELECT created_at FROM runs WHERE tenant_id = $1 AND id = $2)
ORDER BY e.at, e.id
LIMIT 1
