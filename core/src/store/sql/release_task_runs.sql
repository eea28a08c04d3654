-- release_task_runs: tells the task runs that waited for $4 parents more that these have succeeded.
-- Moves:  BLOCKED -> READY
-- Locks:  task_runs of runs that lock_attempts holds, so two transactions never count for one join at once.
-- Index:  task_runs_of_run
-- Clock:  the database's.
WITH done AS (
    SELECT *
    FROM unnest(
        $1::uuid[], $2::uuid[], $3::integer[], $4::integer[], $5::smallint[], $6::uuid[], $7::smallint[],
        $8::smallint[], $9::text[])
        AS d(tenant_id, run_id, node, parents, partition, version_id, priority, cost, labels)
),
counted AS (
    UPDATE task_runs AS t
    SET pending_parents = t.pending_parents - d.parents,
        state = CASE t.pending_parents WHEN d.parents THEN 'LIVE' ELSE t.state END
    FROM done AS d
    WHERE t.tenant_id = d.tenant_id AND t.run_id = d.run_id AND t.node = d.node AND t.state = 'BLOCKED'
    RETURNING t.tenant_id, t.id, t.run_id, t.node, t.state, d.partition, d.version_id, d.priority, d.cost, d.labels
),
ready AS (
    INSERT INTO dispatch (
        tenant_id, task_run_id, partition, run_id, version_id, node, state, priority, cost, labels, ready_at)
    SELECT
        tenant_id, id, partition, run_id, version_id, node, 'READY', priority, cost, string_to_array(labels, ' '),
        present()
    FROM counted
    WHERE state = 'LIVE'
)
INSERT INTO events (tenant_id, run_id, task_run_id, kind, at)
SELECT tenant_id, run_id, id, 'TASK_RUN_READY', present()
FROM counted
WHERE state = 'LIVE'
ORDER BY run_id, node
