-- lock_partitions: takes the advisory locks ($1, partition) of those of the partitions $2 that nobody has, until the transaction
-- ends.
-- Moves:  nothing
-- Locks:  advisory locks; lock and work commit or vanish together.
SELECT partition::smallint AS partition
FROM unnest($2::integer[]) AS partition
WHERE pg_try_advisory_xact_lock($1, partition)
