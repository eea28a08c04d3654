-- list_event_writers: the transactions under way that may have taken a number in the event log.
-- Moves:  nothing
-- Locks:  nothing.
-- An INSERT locks the table before it takes a number and keeps the lock until its transaction has ended and is visible.
SELECT virtualtransaction AS writer
FROM pg_locks
WHERE locktype = 'relation'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND relation = 'events'::regclass
    AND mode = 'RowExclusiveLock'
    AND granted
