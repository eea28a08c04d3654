-- list_log_lines: of each of the task runs $2 of tenant $1, the first $5 lines after line $4 of attempt $3, up to the end of
-- attempt $6.
-- Moves:  nothing
-- Index:  log_lines_pkey
SELECT l.*
FROM unnest($2::uuid[]) AS wanted(task_run_id)
CROSS JOIN LATERAL (
    SELECT task_run_id, attempt, number, stream, text, at
    FROM log_lines
    WHERE tenant_id = $1 AND task_run_id = wanted.task_run_id
        AND (attempt, number) > ($3, $4) AND attempt <= $6
    ORDER BY attempt, number
    LIMIT $5
) AS l
