-- list_backfill_steps: of each of the backfills $2 of tenant $1, the first $5 steps behind the place $3, in one of the states $4 if these
-- are given.
-- Moves:  nothing
-- Index:  backfill_steps_pkey
SELECT s.*
FROM unnest($2::uuid[]) AS wanted(backfill_id)
CROSS JOIN LATERAL (
    SELECT backfill_id, place, nominal, due, notes, state, reason, run_id
    FROM backfill_steps
    WHERE tenant_id = $1 AND backfill_id = wanted.backfill_id AND place > $3 AND ($4::text[] IS NULL OR state = ANY ($4))
    ORDER BY place
    LIMIT $5
) AS s
