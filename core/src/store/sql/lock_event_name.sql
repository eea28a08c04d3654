-- lock_event_name: takes the lock $1 of an event's name $2, so that nobody begins to wait for it while it is being published.
-- Moves:  nothing
-- Locks:  one advisory lock, until the transaction ends.
SELECT pg_advisory_xact_lock($1, hashtext($2))
