-- list_events: the events of tenant $1 after number $2 up to $3 that somebody wants, at most $4 of them: of the runs $5
-- (of all runs when it is NULL), those of runs as wholes when $6, those of executors, shared ones too, when $7, those of
-- alerts when $8, those of bulk jobs when $9, those of occurrences when $10, those of backfills when $11,
-- and those of firings when $12.
-- Moves:  nothing
-- Index:  events_pkey, once for the tenant and once for the platform. Two ordered reads are merged, so that the first
--         page of a long log costs a page and not the log.
WITH own AS (
    SELECT seq, run_id, task_run_id, kind, data, at
    FROM events
    WHERE tenant_id = $1 AND seq > $2 AND seq <= $3
        AND CASE
            WHEN run_id IS NULL THEN ($7 AND kind LIKE 'EXECUTOR\_%') OR ($8 AND kind LIKE 'ALERT\_%')
                OR ($9 AND kind LIKE 'BULK\_JOB\_%')
                OR ($10 AND kind LIKE 'OCCURRENCE\_%')
                OR ($11 AND kind LIKE 'BACKFILL\_%')
                OR ($12 AND kind LIKE 'FIRING\_%')
            WHEN task_run_id IS NULL AND $6 THEN true
            ELSE coalesce(run_id = ANY ($5::uuid[]), true)
        END
    ORDER BY seq
    LIMIT $4
),
shared AS (
    SELECT seq, run_id, task_run_id, kind, data, at
    FROM events
    WHERE tenant_id = '00000000-0000-0000-0000-000000000000' AND seq > $2 AND seq <= $3
        AND run_id IS NULL AND $7 AND tenant_id <> $1
    ORDER BY seq
    LIMIT $4
)
SELECT * FROM own
UNION ALL
SELECT * FROM shared
ORDER BY seq
LIMIT $4
