-- list_queue_heads: of each queue that one of the task runs $2 of tenant $1 stands in, the first $3, in the order in which they
-- are assigned. A queue is what the tenant waits for with one set of required labels.
-- Moves:  nothing
-- Index:  dispatch_pkey, dispatch_ready
SELECT ARRAY(
    SELECT head.task_run_id
    FROM dispatch AS head
    WHERE head.state = 'READY' AND NOT head.paused AND head.partition = queue.partition AND head.tenant_id = $1
        AND head.labels = queue.labels
    ORDER BY head.priority DESC, head.ready_at, head.task_run_id
    LIMIT $3
) AS task_runs
FROM (
    SELECT DISTINCT d.partition, d.labels
    FROM dispatch AS d
    WHERE d.tenant_id = $1 AND d.task_run_id = ANY ($2::uuid[]) AND d.state = 'READY' AND NOT d.paused
) AS queue
