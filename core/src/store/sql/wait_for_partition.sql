-- wait_for_partition: takes the advisory lock ($1, $2) until the transaction ends, once nobody has it.
-- Moves:  nothing
-- Locks:  one advisory lock.
SELECT pg_advisory_xact_lock($1, $2)
