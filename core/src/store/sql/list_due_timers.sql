-- list_due_timers: the first 500 timers of partition $1 that are due.
-- Moves:  nothing
-- Locks:  nothing; the partition's lock is held, and what is concerned is held before a timer is acted on.
-- Index:  timers_due
-- Clock:  the database's.
SELECT tenant_id, id, run_id
FROM timers
WHERE partition = $1 AND due_at <= present()
ORDER BY due_at
LIMIT 500
