-- measure_live: counts what is live, by state. Reads the dispatch, whose rows are the live task runs, and never the history.
-- Moves:  nothing
-- Locks:  nothing.
-- Index:  runs_pkey, executor_key_is_unique_among_the_living
-- Clock:  the database's.
SELECT
    'task_run' AS what, state, count(*) AS count,
    extract(epoch FROM present() - min(ready_at))::double precision AS oldest_seconds
FROM dispatch
GROUP BY state
UNION ALL
SELECT 'run', r.state, count(*), NULL
FROM (SELECT DISTINCT tenant_id, run_id FROM dispatch) AS live
JOIN runs AS r ON r.tenant_id = live.tenant_id AND r.id = live.run_id
GROUP BY r.state
UNION ALL
SELECT
    'executor', CASE WHEN draining THEN 'DRAINING' WHEN overloaded THEN 'OVERLOADED' ELSE 'ALIVE' END, count(*), NULL
FROM executors
WHERE ended_at IS NULL
GROUP BY 2
