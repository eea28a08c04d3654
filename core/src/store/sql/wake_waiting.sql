-- wake_waiting: has every schedule looked at now of which an occurrence waits among the runs ($1, $2: tenant, which).
-- Moves:  nothing
-- Locks:  schedule_states; the partitions' locks are held.
-- Index:  occurrences_waiting, schedule_states_pkey
-- Clock:  the database's.
WITH waiting AS (
    SELECT DISTINCT o.tenant_id, o.schedule_id
    FROM unnest($1::uuid[], $2::text[]) AS w(tenant_id, waits_in)
    JOIN occurrences AS o ON o.tenant_id = w.tenant_id AND o.waits_in = w.waits_in
)
UPDATE schedule_states AS s
SET next_due = least(coalesce(s.next_due, present()), present())
FROM waiting AS w
WHERE s.tenant_id = w.tenant_id AND s.schedule_id = w.schedule_id
