-- publish_event: records the event $2 of tenant $1 with its name $3, key $4, payload $5 and publisher $6, and sets timers in
-- partition $7 for the task runs that wait for it. Tells how many do, and which triggers it fires.
-- Moves:  nothing
-- Locks:  new rows; the name is locked by the caller.
-- Index:  awaited_events_by_name, triggers_of_event
-- Clock:  the database's.
WITH woken AS (
    INSERT INTO timers (tenant_id, partition, due_at, kind, run_id, task_run_id)
    SELECT $1, $7, present(), 'EVENT_PUBLISHED', run_id, task_run_id
    FROM awaited_events
    WHERE tenant_id = $1 AND name = $3 AND (key IS NULL OR key = $4)
    RETURNING 1
),
heard AS (
    SELECT
        (SELECT count(*) FROM woken) AS woken,
        ARRAY(
            SELECT id
            FROM triggers
            WHERE tenant_id = $1 AND event_name = $3 AND (event_key IS NULL OR event_key = $4)
            ORDER BY id
        ) AS triggers
),
published AS (
    INSERT INTO published_events (tenant_id, id, name, key, payload, published_by, at, woken, fired)
    SELECT $1, $2, $3, $4, $5, $6, present(), woken, cardinality(triggers)
    FROM heard
)
SELECT woken, triggers
FROM heard
