-- move_schedules: writes how far the schedules ($1, $2: tenant, schedule) have come: settled until $3, to be looked at $4,
-- counting from the end $5 of a run, with $6 occurrences waiting, following runs $7, pausing after $8 failures; over when $9.
-- Moves:  nothing
-- Locks:  schedule_states; the partitions' locks are held.
-- Index:  schedule_states_pkey
-- Clock:  the database's.
UPDATE schedule_states AS s
SET settled_until = greatest(s.settled_until, m.settled_until), next_due = m.next_due, follows = m.follows, waiting = m.waiting,
    follows_runs = m.follows_runs, most_failures = m.most_failures,
    state = CASE WHEN m.over AND s.state = 'ACTIVE' THEN 'FINISHED' ELSE s.state END,
    state_reason = CASE WHEN m.over AND s.state = 'ACTIVE' THEN 'its last occurrence has been' ELSE s.state_reason END,
    changed_at = CASE WHEN m.over AND s.state = 'ACTIVE' THEN present() ELSE s.changed_at END
FROM unnest(
    $1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::integer[], $7::boolean[],
    $8::integer[], $9::boolean[])
    AS m(tenant_id, schedule_id, settled_until, next_due, follows, waiting, follows_runs, most_failures, over)
WHERE s.tenant_id = m.tenant_id AND s.schedule_id = m.schedule_id
