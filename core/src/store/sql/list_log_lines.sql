-- list_log_lines: the first $5 lines of task run $2 of tenant $1 after line $4 of attempt $3; only those of attempt $6, if
-- that is given.
-- Moves:  nothing
-- Index:  log_lines_pkey
SELECT attempt, number, stream, text, at
FROM log_lines
WHERE tenant_id = $1 AND task_run_id = $2
    AND (attempt, number) > ($3, $4)
    AND attempt BETWEEN coalesce($6, 0) AND coalesce($6, 2147483647)
ORDER BY attempt, number
LIMIT $5
