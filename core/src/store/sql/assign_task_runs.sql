-- assign_task_runs: gives each of the task runs ($1, $2) to the executor at the same place of $3.
-- Moves:  READY -> ASSIGNED
-- Locks:  dispatch rows; the partition's lock is held, so they wait for nobody but a cancel or a pause.
-- Index:  dispatch_pkey
-- Fence:  raised by one; the executor is told it when it starts the attempt.
-- Clock:  the database's.
UPDATE dispatch AS d
SET state = 'ASSIGNED', executor_id = chosen.executor_id, assigned_at = present(), fence = d.fence + 1
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS chosen(tenant_id, task_run_id, executor_id)
WHERE d.tenant_id = chosen.tenant_id AND d.task_run_id = chosen.task_run_id AND d.state = 'READY'
    AND NOT d.paused
