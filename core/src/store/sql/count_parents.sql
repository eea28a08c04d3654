-- count_parents: tells the nodes that wait how more of those before them ended ($4 in all; $5 failed, $6 never started because
-- of a failure, $7 were skipped), and makes the plain ones ($8) ready whose parents have all succeeded. The others, and plain
-- ones that a parent has let down, are returned: whether they start is for their rule to say.
-- Moves:  BLOCKED -> READY
-- Locks:  task_runs of runs that are held, so two transactions never count for one join at once.
-- Index:  task_runs_of_run
-- Clock:  the database's.
WITH done AS (
    SELECT *
    FROM unnest(
        $1::uuid[], $2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::integer[], $7::integer[], $8::boolean[],
        $9::boolean[], $10::smallint[], $11::uuid[], $12::smallint[], $13::smallint[], $14::text[])
        AS d(tenant_id, run_id, node, parents, failed, doomed, skipped, plain, paused, partition, version_id, priority,
            cost, labels)
),
counted AS (
    UPDATE task_runs AS t
    SET pending_parents = t.pending_parents - d.parents,
        failed_parents = t.failed_parents + d.failed,
        doomed_parents = t.doomed_parents + d.doomed,
        skipped_parents = t.skipped_parents + d.skipped,
        state = CASE
            WHEN d.plain AND t.pending_parents = d.parents
                AND t.failed_parents + d.failed + t.doomed_parents + d.doomed + t.skipped_parents + d.skipped = 0
            THEN 'LIVE'
            ELSE t.state
        END
    FROM done AS d
    WHERE t.tenant_id = d.tenant_id AND t.run_id = d.run_id AND t.node = d.node AND t.item IS NULL AND t.state = 'BLOCKED'
    RETURNING
        t.tenant_id, t.id, t.run_id, t.node, t.state, t.pending_parents, t.failed_parents, t.doomed_parents,
        t.skipped_parents, d.plain, d.paused, d.partition, d.version_id, d.priority, d.cost, d.labels
),
ready AS (
    INSERT INTO dispatch (
        tenant_id, task_run_id, partition, run_id, version_id, node, state, paused, priority, cost, labels, ready_at)
    SELECT
        tenant_id, id, partition, run_id, version_id, node, 'READY', paused, priority, cost, string_to_array(labels, ' '),
        present()
    FROM counted
    WHERE state = 'LIVE'
),
logged AS (
    INSERT INTO events (tenant_id, run_id, task_run_id, kind, at)
    SELECT tenant_id, run_id, id, 'TASK_RUN_READY', present()
    FROM counted
    WHERE state = 'LIVE'
    ORDER BY run_id, node
)
SELECT
    run_id, node, id, pending_parents, failed_parents, doomed_parents, skipped_parents, state = 'LIVE' AS ready
FROM counted
WHERE state = 'LIVE' OR NOT plain OR failed_parents + doomed_parents + skipped_parents > 0
ORDER BY run_id, node
