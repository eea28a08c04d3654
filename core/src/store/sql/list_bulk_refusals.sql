-- list_bulk_refusals: of each of the bulk jobs $2 of tenant $1, the first $4 refusals by runs with ids after $3.
-- Moves:  nothing
-- Index:  bulk_refusals_pkey
SELECT r.*
FROM unnest($2::uuid[]) AS wanted(job_id)
CROSS JOIN LATERAL (
    SELECT job_id, run_id, code, message
    FROM bulk_refusals
    WHERE tenant_id = $1 AND job_id = wanted.job_id AND run_id > $3
    ORDER BY run_id
    LIMIT $4
) AS r
