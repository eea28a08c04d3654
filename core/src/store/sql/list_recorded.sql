-- list_recorded: those of the occurrences ($1, $2, $3: tenant, schedule, instant) that are recorded already.
-- Moves:  nothing
-- Locks:  nothing; the partitions' locks are held.
-- Index:  occurrence_is_unique
SELECT o.schedule_id, o.nominal, o.outcome
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS w(tenant_id, schedule_id, nominal)
JOIN occurrences AS o ON o.tenant_id = w.tenant_id AND o.schedule_id = w.schedule_id AND o.nominal = w.nominal
