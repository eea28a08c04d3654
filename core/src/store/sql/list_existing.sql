-- list_existing: what the occurrences of schedule $2 of tenant $1 at the instants $3 have to show: a run and its state, or that they
-- wait to start, by themselves or as steps of backfills.
-- Moves:  nothing
-- Locks:  nothing; the partition's lock is held by whoever acts on it.
-- Index:  occurrence_is_unique, runs_pkey, backfills_open, backfill_steps_pending
SELECT wanted.nominal, r.state AS run_state
FROM unnest($3::timestamptz[]) AS wanted(nominal)
CROSS JOIN LATERAL (
    SELECT outcome, run_id
    FROM occurrences
    WHERE tenant_id = $1 AND schedule_id = $2 AND nominal = wanted.nominal
    LIMIT 1
) AS o
LEFT JOIN LATERAL (SELECT state FROM runs WHERE tenant_id = $1 AND id = o.run_id LIMIT 1) AS r ON true
WHERE o.outcome = 'WAITING' OR r.state IS NOT NULL
UNION ALL
SELECT s.nominal, NULL
FROM backfills AS b
CROSS JOIN LATERAL (
    SELECT nominal
    FROM backfill_steps
    WHERE tenant_id = $1 AND backfill_id = b.id AND state = 'PENDING'
    OFFSET 0
) AS s
WHERE b.tenant_id = $1 AND b.schedule_id = $2 AND b.finished_at IS NULL
