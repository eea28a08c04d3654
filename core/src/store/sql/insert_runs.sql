-- insert_runs: records runs $4 of tenant $1, their task runs $10, and in brief those of them, $15, that begin at once.
-- Moves:  (none) -> QUEUED; QUEUED -> PAUSED; (none) -> BLOCKED, READY
-- Locks:  new rows only.
-- Clock:  the database's.
WITH new_runs AS (
    INSERT INTO runs (
        tenant_id, id, workflow_id, version_id, state, priority, trigger, started_by, inputs, task_runs, open_task_runs,
        parent_run_id, parent_task_run_id, depth, rerun_of, paused_at, paused_by, created_at)
    SELECT
        $1, id, workflow_id, version_id, CASE WHEN paused THEN 'PAUSED' ELSE 'QUEUED' END, priority, trigger, $3, inputs,
        task_runs, task_runs, parent_run_id, parent_task_run_id, depth, rerun_of, CASE WHEN paused THEN present() END,
        CASE WHEN paused THEN $3 END, present()
    FROM unnest(
        $4::uuid[], $5::uuid[], $6::uuid[], $7::smallint[], $8::jsonb[], $9::integer[], $24::text[], $25::uuid[], $26::uuid[],
        $27::smallint[], $28::uuid[], $29::boolean[])
        AS r(id, workflow_id, version_id, priority, inputs, task_runs, trigger, parent_run_id, parent_task_run_id, depth,
            rerun_of, paused)
),
new_task_runs AS (
    INSERT INTO task_runs (tenant_id, id, run_id, node, key, state, pending_parents)
    SELECT $1, id, run_id, node, key, CASE WHEN live THEN 'LIVE' ELSE 'BLOCKED' END, parents
    FROM unnest($10::uuid[], $11::uuid[], $12::integer[], $13::text[], $14::integer[], $23::boolean[])
        AS t(id, run_id, node, key, parents, live)
),
new_dispatch AS (
    INSERT INTO dispatch (
        tenant_id, task_run_id, partition, run_id, version_id, node, state, priority, cost, labels, paused, ready_at)
    SELECT
        $1, task_run_id, $2, run_id, version_id, node, 'READY', priority, cost, string_to_array(labels, ' '), paused,
        present()
    FROM unnest(
        $15::uuid[], $16::uuid[], $17::uuid[], $18::integer[], $19::smallint[], $20::smallint[], $21::text[],
        $22::boolean[])
        AS d(task_run_id, run_id, version_id, node, priority, cost, labels, paused)
)
INSERT INTO events (tenant_id, run_id, kind, at)
SELECT $1, id, 'RUN_QUEUED', present()
FROM unnest($4::uuid[]) AS r(id)
