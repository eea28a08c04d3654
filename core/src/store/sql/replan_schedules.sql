-- replan_schedules: has the plans of schedules $2 of tenant $1 made anew. What was due until now is past: the rule that it was due
-- by is no more. One that had named its last occurrence may name others.
-- Moves:  nothing
-- Locks:  the rows; the partition's lock is held.
-- Index:  schedule_states_pkey
-- Clock:  the database's.
UPDATE schedule_states
SET plan_revision = plan_revision + 1, settled_until = greatest(settled_until, present()),
    state = CASE state WHEN 'FINISHED' THEN 'ACTIVE' ELSE state END,
    state_reason = CASE state WHEN 'FINISHED' THEN NULL ELSE state_reason END,
    follows = CASE WHEN next_due IS NOT NULL OR state = 'FINISHED' THEN coalesce(follows, present()) ELSE follows END,
    next_due = CASE WHEN state <> 'STOPPED' THEN present() END
WHERE tenant_id = $1 AND schedule_id = ANY ($2::uuid[])
