-- count_live_runs: how many runs of each of the tenants $1 are live, counted to the tenant's quota $2. Runs within others are not
-- counted: what a run needs to end is not held up by what else there is.
-- Moves:  nothing
-- Locks:  nothing; the quotas' locks are held, and were taken by a statement before, so this one sees what their last holders wrote.
-- Index:  runs_by_state
SELECT
    q.tenant_id,
    (
        SELECT count(*)
        FROM (
            SELECT
            FROM runs AS r
            WHERE r.tenant_id = q.tenant_id AND r.state IN ('QUEUED', 'RUNNING', 'PAUSED') AND r.parent_run_id IS NULL
            LIMIT q.most
        ) AS live
    )::integer AS live
FROM unnest($1::uuid[], $2::integer[]) AS q(tenant_id, most)
