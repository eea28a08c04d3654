-- begin_task_runs: makes task runs ($1, $3: tenant, task run) live: ready for an executor, or held by the service itself ($13).
-- Moves:  BLOCKED -> READY, RUNNING
-- Locks:  task_runs of runs that are held; new rows.
-- Index:  task_runs_pkey
-- Clock:  the database's.
WITH begun AS (
    SELECT *
    FROM unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::uuid[], $6::integer[], $7::integer[], $8::boolean[],
        $9::smallint[], $10::smallint[], $11::text[], $12::text[], $13::text[])
    WITH ORDINALITY AS b(tenant_id, run_id, task_run_id, partition, version_id, node, item, paused, priority, cost,
        labels, pinned_to, hold, place)
),
live AS (
    UPDATE task_runs AS t
    SET state = 'LIVE'
    FROM begun AS b
    WHERE t.tenant_id = b.tenant_id AND t.id = b.task_run_id AND t.state = 'BLOCKED'
    RETURNING b.*
),
dispatched AS (
    INSERT INTO dispatch (
        tenant_id, task_run_id, partition, run_id, version_id, node, item, state, paused, priority, cost, labels, pinned_to,
        ready_at, hold, started_at, begun_at)
    SELECT
        tenant_id, task_run_id, partition, run_id, version_id, node, item,
        CASE WHEN hold IS NULL THEN 'READY' ELSE 'RUNNING' END, paused AND hold IS NULL, priority, cost,
        string_to_array(labels, ' '), pinned_to, present(), hold,
        CASE WHEN hold IS NOT NULL THEN present() END, CASE WHEN hold IS NOT NULL THEN present() END
    FROM live
)
INSERT INTO events (tenant_id, run_id, task_run_id, kind, data, at)
SELECT
    tenant_id, run_id, task_run_id,
    CASE WHEN hold IS NULL THEN 'TASK_RUN_READY' ELSE 'TASK_RUN_STARTED' END,
    CASE WHEN hold IS NOT NULL THEN jsonb_build_object('waitsFor', hold) END,
    present()
FROM live
ORDER BY place
