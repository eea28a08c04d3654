-- append_log_lines: adds lines to the logs of attempts that are still owned.
-- Moves:  nothing
-- Locks:  new rows only. A line that is there already is left as it is, so a batch may be sent twice.
-- Index:  dispatch_pkey, log_lines_pkey
-- Fence:  lines of an attempt whose fence was overtaken are dropped.
INSERT INTO log_lines (tenant_id, task_run_id, attempt, number, stream, text, at)
SELECT l.tenant_id, l.task_run_id, l.attempt, l.number, l.stream, l.text, l.at
FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::integer[], $5::text[], $6::text[], $7::timestamptz[])
    AS l(tenant_id, task_run_id, attempt, number, stream, text, at)
JOIN dispatch AS d ON d.tenant_id = l.tenant_id AND d.task_run_id = l.task_run_id AND d.fence = l.attempt
ON CONFLICT DO NOTHING
