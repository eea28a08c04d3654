-- A year of one tenant's work, and a morning's worth of waiting.
SET plan_cache_mode = force_generic_plan;
SET synchronous_commit = off;

INSERT INTO tenants (id, key, partition) VALUES ('00000000-0000-7000-8000-000000000001', 'old', 1);

CREATE TEMPORARY TABLE past AS
SELECT n, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS id, '00000000-0000-7000-8000-000000000001'::uuid AS tenant
FROM generate_series(1, 60000) AS n;

INSERT INTO runs (
    tenant_id, id, workflow_id, version_id, state, priority, trigger, started_by, inputs, task_runs, open_task_runs,
    created_at, started_at, finished_at)
SELECT tenant, id, tenant, tenant, 'SUCCEEDED', 5, 'CALLER', 'somebody', '{}', 1, 0, present(), present(), present()
FROM past;

INSERT INTO task_runs (tenant_id, id, run_id, node, key, state, pending_parents, attempts, finished_at)
SELECT tenant, id, id, 0, 'only', 'SUCCEEDED', 0, 1, present()
FROM past;

INSERT INTO attempts (tenant_id, task_run_id, number, executor_id, outcome, assigned_at, started_at, finished_at)
SELECT tenant, id, 1, tenant, 'SUCCEEDED', present(), present(), present()
FROM past;

INSERT INTO events (tenant_id, run_id, task_run_id, kind)
SELECT tenant, id, id, 'TASK_RUN_SUCCEEDED'
FROM past;

INSERT INTO log_lines (tenant_id, task_run_id, attempt, number, stream, text, at)
SELECT tenant, id, 1, 1, 'STDOUT', 'done', present()
FROM past;

INSERT INTO idempotency_keys (tenant_id, mutation, key, request, object_id)
SELECT tenant, 'startRun', id::text, '', id
FROM past;

INSERT INTO dispatch (
    tenant_id, task_run_id, partition, run_id, version_id, node, state, priority, cost, labels, ready_at)
SELECT tenant, id, 1, id, tenant, 0, 'READY', 5, 1, '{}', present()
FROM past
WHERE n <= 20000;

ANALYZE;
