-- renew_scheduler: lets the scheduler $1 on machine $2 live $3 ms more, forgets those that are dead, and names the living.
-- Moves:  nothing
-- Locks:  its row, and rows of the dead that nobody else is removing.
-- Index:  schedulers_pkey
-- Clock:  the database's.
WITH dead AS (
    DELETE FROM schedulers
    WHERE id IN (SELECT id FROM schedulers WHERE lease_until < present() AND id <> $1 FOR UPDATE SKIP LOCKED)
),
renewed AS (
    INSERT INTO schedulers (id, hostname, lease_until)
    VALUES ($1, $2, present() + $3 * interval '1 millisecond')
    ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until
    RETURNING id
)
SELECT id FROM schedulers WHERE lease_until >= present() AND id <> $1
UNION ALL
SELECT id FROM renewed
