-- list_heads: the first $2 ready task runs of each queue of partition $1, in brief. A queue is what one tenant waits for
-- with one set of required labels, so that work which no executor can take hides nothing behind it.
-- Moves:  nothing
-- Locks:  nothing; the partition's lock is held.
-- Index:  dispatch_ready; one look for each queue, then its first entries. At most 1,000 queues are looked at.
WITH RECURSIVE queues AS (
    (
        SELECT tenant_id, labels, 1 AS place
        FROM dispatch
        WHERE state = 'READY' AND NOT paused AND partition = $1
        ORDER BY tenant_id, labels
        LIMIT 1
    )
    UNION ALL
    SELECT later.tenant_id, later.labels, queues.place + 1
    FROM queues
    CROSS JOIN LATERAL (
        SELECT tenant_id, labels
        FROM dispatch
        WHERE state = 'READY' AND NOT paused AND partition = $1 AND (tenant_id, labels) > (queues.tenant_id, queues.labels)
        ORDER BY tenant_id, labels
        LIMIT 1
    ) AS later
    WHERE queues.place < 1000
)
SELECT head.tenant_id, head.task_run_id, head.priority, head.cost, head.labels, head.ready_at
FROM queues
CROSS JOIN LATERAL (
    SELECT tenant_id, task_run_id, priority, cost, labels, ready_at
    FROM dispatch
    WHERE state = 'READY' AND NOT paused AND partition = $1 AND tenant_id = queues.tenant_id AND labels = queues.labels
    ORDER BY priority DESC, ready_at, task_run_id
    LIMIT $2
) AS head
