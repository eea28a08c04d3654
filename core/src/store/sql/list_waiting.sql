-- list_waiting: the occurrences of the schedules ($1, $2: tenant, schedule) that wait to start, in the order in which they came.
-- Moves:  nothing
-- Locks:  nothing; the partitions' locks are held.
-- Index:  occurrences_waiting_of_schedule
SELECT o.schedule_id, o.id, o.nominal, o.due, o.notes, o.manual, o.inputs
FROM unnest($1::uuid[], $2::uuid[]) AS w(tenant_id, schedule_id)
JOIN occurrences AS o ON o.tenant_id = w.tenant_id AND o.schedule_id = w.schedule_id
WHERE o.waits_in IS NOT NULL
ORDER BY o.due
