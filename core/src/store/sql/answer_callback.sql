-- answer_callback: writes down what the endpoint of attempt $3 of task run $2 of tenant $1 says by calling back: whether it
-- succeeded ($4), why not ($5) and what it gives ($6). Only the first time, and only while the attempt is under way.
-- Moves:  nothing
-- Locks:  the callback; the run is held.
-- Index:  callbacks_of_attempt, dispatch_pkey
-- Fence:  an attempt that has ended, or was followed by another, is not answered.
-- Clock:  the database's.
UPDATE callbacks AS c
SET answered_at = present(), succeeded = $4, message = $5, output = $6
FROM dispatch AS d
WHERE c.tenant_id = $1 AND c.task_run_id = $2 AND c.fence = $3 AND c.answered_at IS NULL
    AND d.tenant_id = $1 AND d.task_run_id = $2 AND d.fence = $3 AND d.state = 'RUNNING'
RETURNING d.executor_id, d.hold IS NOT NULL AS deferred
