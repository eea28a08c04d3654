-- find_due_schedules: the schedules $2 of tenant $1, as they stand.
-- Moves:  nothing
-- Locks:  nothing; the partition's lock is held.
-- Index:  schedule_states_pkey
-- Clock:  the database's.
SELECT tenant_id, schedule_id, plan_revision, state, settled_until, follows, waiting, present() AS now
FROM schedule_states
WHERE tenant_id = $1 AND schedule_id = ANY($2)
