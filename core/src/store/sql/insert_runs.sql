-- insert_runs: records runs $3, of tenants $1 in partitions $2, their task runs $20, and in brief those of them, $28, that begin
-- at once. Runs whose end somebody waits for are watched: those of schedules ($16), for the schedule or for the backfill ($36) that
-- started them, and all of a workflow that has watchers.
-- Moves:  (none) -> QUEUED; QUEUED -> PAUSED; (none) -> BLOCKED, READY
-- Locks:  new rows only.
-- Index:  workflow_watchers_pkey
-- Clock:  the database's.
WITH given AS (
    SELECT *
    FROM unnest(
        $1::uuid[], $2::smallint[], $3::uuid[], $4::uuid[], $5::uuid[], $6::smallint[], $7::jsonb[], $8::integer[], $9::text[],
        $10::text[], $11::uuid[], $12::uuid[], $13::smallint[], $14::uuid[], $15::boolean[], $16::uuid[], $17::jsonb[],
        $18::text[], $36::uuid[])
        AS r(tenant_id, partition, id, workflow_id, version_id, priority, inputs, task_runs, trigger, started_by,
            parent_run_id, parent_task_run_id, depth, rerun_of, paused, schedule_id, occurrence, overlap_key,
            backfill_id)
),
new_runs AS (
    INSERT INTO runs (
        tenant_id, id, workflow_id, version_id, state, priority, trigger, started_by, inputs, task_runs, open_task_runs,
        parent_run_id, parent_task_run_id, depth, rerun_of, paused_at, paused_by, schedule_id, occurrence, created_at)
    SELECT
        tenant_id, id, workflow_id, version_id, CASE WHEN paused THEN 'PAUSED' ELSE 'QUEUED' END, priority, trigger, started_by,
        inputs, task_runs, task_runs, parent_run_id, parent_task_run_id, depth, rerun_of, CASE WHEN paused THEN present() END,
        CASE WHEN paused THEN started_by END, schedule_id, occurrence, present()
    FROM given
),
watched AS (
    INSERT INTO watched_runs (tenant_id, run_id, partition, workflow_id, schedule_id, overlap_key, backfill_id)
    SELECT
        tenant_id, id, partition, workflow_id, CASE WHEN backfill_id IS NULL THEN schedule_id END, overlap_key, backfill_id
    FROM given AS g
    WHERE schedule_id IS NOT NULL OR EXISTS (
        SELECT FROM workflow_watchers AS w WHERE w.tenant_id = g.tenant_id AND w.workflow_id = g.workflow_id)
),
new_task_runs AS (
    INSERT INTO task_runs (tenant_id, id, run_id, node, key, state, pending_parents)
    SELECT tenant_id, id, run_id, node, key, CASE WHEN live THEN 'LIVE' ELSE 'BLOCKED' END, parents
    FROM unnest($19::uuid[], $20::uuid[], $21::uuid[], $22::integer[], $23::text[], $24::integer[], $25::boolean[])
        AS t(tenant_id, id, run_id, node, key, parents, live)
),
new_dispatch AS (
    INSERT INTO dispatch (
        tenant_id, task_run_id, partition, run_id, version_id, node, state, priority, cost, labels, paused, ready_at)
    SELECT
        tenant_id, task_run_id, partition, run_id, version_id, node, 'READY', priority, cost, string_to_array(labels, ' '),
        paused, present()
    FROM unnest(
        $26::uuid[], $27::smallint[], $28::uuid[], $29::uuid[], $30::uuid[], $31::integer[], $32::smallint[], $33::smallint[],
        $34::text[], $35::boolean[])
        AS d(tenant_id, partition, task_run_id, run_id, version_id, node, priority, cost, labels, paused)
)
INSERT INTO events (tenant_id, run_id, kind, at)
SELECT tenant_id, id, 'RUN_QUEUED', present()
FROM given
