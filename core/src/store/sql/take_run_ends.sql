-- take_run_ends: takes the first $2 ends of watched runs of the partitions $1 away, and tells of them.
-- Moves:  nothing
-- Locks:  the rows, which nobody else writes any more; the partitions' locks are held.
-- Index:  watched_runs_ended
WITH first AS (
    SELECT w.tenant_id, w.run_id
    FROM unnest($1::smallint[]) AS p
    CROSS JOIN LATERAL (
        SELECT tenant_id, run_id
        FROM watched_runs
        WHERE partition = p AND ended_as IS NOT NULL
        ORDER BY ended_at
        LIMIT $2
    ) AS w
)
DELETE FROM watched_runs AS w
USING first
WHERE w.tenant_id = first.tenant_id AND w.run_id = first.run_id
RETURNING w.tenant_id, w.run_id, w.workflow_id, w.schedule_id, w.overlap_key, w.backfill_id, w.ended_as, w.ended_at
