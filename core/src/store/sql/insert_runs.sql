-- insert_runs: records runs $4 of tenant $1, their task runs $10, and in brief those of them, $15, that wait for nobody.
-- Moves:  (none) -> QUEUED; (none) -> BLOCKED, READY
-- Locks:  new rows only.
-- Clock:  the database's.
WITH new_runs AS (
    INSERT INTO runs (
        tenant_id, id, workflow_id, version_id, state, priority, trigger, started_by, inputs, task_runs, open_task_runs,
        created_at)
    SELECT $1, id, workflow_id, version_id, 'QUEUED', priority, 'CALLER', $3, inputs, task_runs, task_runs, present()
    FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::smallint[], $8::jsonb[], $9::integer[])
        AS r(id, workflow_id, version_id, priority, inputs, task_runs)
),
new_task_runs AS (
    INSERT INTO task_runs (tenant_id, id, run_id, node, key, state, pending_parents)
    SELECT $1, id, run_id, node, key, CASE parents WHEN 0 THEN 'LIVE' ELSE 'BLOCKED' END, parents
    FROM unnest($10::uuid[], $11::uuid[], $12::integer[], $13::text[], $14::integer[])
        AS t(id, run_id, node, key, parents)
),
new_dispatch AS (
    INSERT INTO dispatch (
        tenant_id, task_run_id, partition, run_id, version_id, node, state, priority, cost, labels, ready_at)
    SELECT
        $1, task_run_id, $2, run_id, version_id, node, 'READY', priority, cost, string_to_array(labels, ' '), present()
    FROM unnest($15::uuid[], $16::uuid[], $17::uuid[], $18::integer[], $19::smallint[], $20::smallint[], $21::text[])
        AS d(task_run_id, run_id, version_id, node, priority, cost, labels)
)
INSERT INTO events (tenant_id, run_id, kind, at)
SELECT $1, id, 'RUN_QUEUED', present()
FROM unnest($4::uuid[]) AS r(id)
