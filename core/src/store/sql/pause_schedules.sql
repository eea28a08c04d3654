-- pause_schedules: pauses the schedules ($1, $2: tenant, schedule) for the reasons $3.
-- Moves:  nothing
-- Locks:  schedule_states; the partitions' locks are held.
-- Index:  schedule_states_pkey
-- Clock:  the database's.
WITH paused AS (
    UPDATE schedule_states AS s
    SET state = 'PAUSED', state_reason = p.reason, changed_at = present(), changed_by = NULL, next_due = present()
    FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS p(tenant_id, schedule_id, reason)
    WHERE s.tenant_id = p.tenant_id AND s.schedule_id = p.schedule_id
    RETURNING s.tenant_id, s.schedule_id, s.state_reason
)
INSERT INTO events (tenant_id, schedule_id, kind, data, at)
SELECT tenant_id, schedule_id, 'SCHEDULE_PAUSED', jsonb_build_object('reason', state_reason), present()
FROM paused
