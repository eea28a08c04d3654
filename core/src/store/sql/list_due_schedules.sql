-- list_due_schedules: the schedules of the partitions $1 that are to be looked at by now, at most $2 of each partition.
-- Moves:  nothing
-- Locks:  nothing; whoever changes these rows holds the partition's lock.
-- Index:  schedule_states_due, once for each partition
-- Clock:  the database's.
SELECT due.*, present() AS now
FROM unnest($1::smallint[]) AS p
CROSS JOIN LATERAL (
    SELECT tenant_id, schedule_id, plan_revision, state, settled_until, follows, waiting
    FROM schedule_states
    WHERE partition = p AND next_due <= present()
    ORDER BY next_due
    LIMIT $2
) AS due
