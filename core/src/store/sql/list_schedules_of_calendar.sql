-- list_schedules_of_calendar: the schedules of tenant $1 that keep to the calendar $2, and whether they are to be looked at by now.
-- Moves:  nothing
-- Locks:  nothing; the partition's lock is held.
-- Index:  schedules_of_calendar, schedule_states_pkey
-- Clock:  the database's.
SELECT s.id AS schedule_id, coalesce(st.next_due <= present(), false) AS due
FROM schedules AS s
JOIN schedule_states AS st ON st.tenant_id = s.tenant_id AND st.schedule_id = s.id
WHERE s.tenant_id = $1 AND s.calendars @> ARRAY[$2]
ORDER BY s.id
