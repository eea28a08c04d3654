-- count_under_way: how many runs are under way, and how many occurrences wait, among the runs ($1, $2: tenant, which) of the
-- schedules $3, the workflows $4 or the keys $5, at most 1,000 of each.
-- Moves:  nothing
-- Locks:  nothing; the partitions' locks are held.
-- Index:  watched_runs_of_schedule, watched_runs_of_workflow, watched_runs_of_key, occurrences_waiting
SELECT
    w.tenant_id, w.waits_in,
    CASE
        WHEN w.schedule_id IS NOT NULL THEN (SELECT count(*) FROM (
            SELECT FROM watched_runs AS r
            WHERE r.tenant_id = w.tenant_id AND r.schedule_id = w.schedule_id AND r.ended_as IS NULL
            LIMIT 1000) AS found)
        WHEN w.workflow_id IS NOT NULL THEN (SELECT count(*) FROM (
            SELECT FROM watched_runs AS r
            WHERE r.tenant_id = w.tenant_id AND r.workflow_id = w.workflow_id AND r.ended_as IS NULL
            LIMIT 1000) AS found)
        ELSE (SELECT count(*) FROM (
            SELECT FROM watched_runs AS r
            WHERE r.tenant_id = w.tenant_id AND r.overlap_key = w.overlap_key AND r.ended_as IS NULL
            LIMIT 1000) AS found)
    END AS running,
    (SELECT count(*) FROM (
        SELECT FROM occurrences AS o
        WHERE o.tenant_id = w.tenant_id AND o.waits_in = w.waits_in
        LIMIT 1001) AS found) AS waiting
FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[])
    AS w(tenant_id, waits_in, schedule_id, workflow_id, overlap_key)
