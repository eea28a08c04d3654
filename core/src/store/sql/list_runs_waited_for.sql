-- list_runs_waited_for: the runs that those of the occurrences $2 of tenant $1 wait for that wait, the first 20 of each.
-- Moves:  nothing
-- Index:  occurrences_pkey, watched_runs_of_schedule, watched_runs_of_workflow, watched_runs_of_key
SELECT o.id AS occurrence_id, array_agg(w.run_id ORDER BY w.run_id) AS run_ids
FROM occurrences AS o
CROSS JOIN LATERAL (
    (
        SELECT run_id
        FROM watched_runs
        WHERE tenant_id = $1 AND ended_as IS NULL
            AND schedule_id = CASE WHEN o.waits_in LIKE 'schedule %' THEN split_part(o.waits_in, ' ', 2)::uuid END
        LIMIT 20
    )
    UNION ALL
    (
        SELECT run_id
        FROM watched_runs
        WHERE tenant_id = $1 AND ended_as IS NULL
            AND workflow_id = CASE WHEN o.waits_in LIKE 'workflow %' THEN split_part(o.waits_in, ' ', 2)::uuid END
        LIMIT 20
    )
    UNION ALL
    (
        SELECT run_id
        FROM watched_runs
        WHERE tenant_id = $1 AND ended_as IS NULL
            AND overlap_key = CASE WHEN o.waits_in LIKE 'key %' THEN substr(o.waits_in, 5) END
        LIMIT 20
    )
) AS w
WHERE o.tenant_id = $1 AND o.id = ANY ($2) AND o.waits_in IS NOT NULL
GROUP BY o.id
