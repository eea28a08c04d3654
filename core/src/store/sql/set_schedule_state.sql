-- set_schedule_state: brings schedule $2 of tenant $1 to the state $3 on behalf of $4, for the reason $5. What was due until now
-- is past, and counting from the end of a run begins anew.
-- Moves:  nothing
-- Locks:  the row; the partition's lock is held.
-- Index:  schedule_states_pkey
-- Clock:  the database's.
WITH changed AS (
    UPDATE schedule_states
    SET state = $3, state_reason = $5, changed_at = present(), changed_by = $4, failures = 0,
        settled_until = greatest(settled_until, present()), follows = present(),
        next_due = CASE WHEN $3 <> 'STOPPED' THEN present() END
    WHERE tenant_id = $1 AND schedule_id = $2
    RETURNING schedule_id
)
INSERT INTO events (tenant_id, schedule_id, kind, data, at)
SELECT
    $1, schedule_id,
    CASE $3 WHEN 'ACTIVE' THEN 'SCHEDULE_STARTED' WHEN 'PAUSED' THEN 'SCHEDULE_PAUSED' ELSE 'SCHEDULE_STOPPED' END,
    jsonb_strip_nulls(jsonb_build_object('by', $4::text, 'reason', $5::text)), present()
FROM changed
