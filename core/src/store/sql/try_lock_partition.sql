-- try_lock_partition: takes the advisory lock ($1, $2) until the transaction ends, if nobody has it.
-- Moves:  nothing
-- Locks:  one advisory lock; lock and work commit or vanish together.
SELECT pg_try_advisory_xact_lock($1, $2) AS locked
