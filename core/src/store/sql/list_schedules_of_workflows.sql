-- list_schedules_of_workflows: of each of the workflows $2 of tenant $1, the first $4 schedules with keys after $3.
-- Moves:  nothing
-- Index:  schedules_of_workflow
SELECT s.workflow_id, s.schedule_id, s.key
FROM unnest($2::uuid[]) AS wanted(workflow_id)
CROSS JOIN LATERAL (
    SELECT workflow_id, id AS schedule_id, key
    FROM schedules
    WHERE tenant_id = $1 AND workflow_id = wanted.workflow_id AND key > $3
    ORDER BY key
    LIMIT $4
) AS s
