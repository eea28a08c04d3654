-- record_bulk_turn: writes down what the turn of job $2 of tenant $1 came to: done to $3 more runs, refused by $4 more, of which
-- these are told ($5: run, $6: code, $7: message); all runs up to $8 were looked at, and $9 says whether these were the last.
-- Moves:  nothing
-- Locks:  the job, held already.
-- Index:  bulk_jobs_pkey
-- Clock:  the database's.
WITH turn AS (
    UPDATE bulk_jobs AS b
    SET state = CASE WHEN $9 THEN 'SUCCEEDED' ELSE 'RUNNING' END, succeeded = b.succeeded + $3, refused = b.refused + $4,
        looked_until = $8, turn_at = present(), started_at = coalesce(b.started_at, present()),
        finished_at = CASE WHEN $9 THEN present() END
    FROM (VALUES ($1::uuid, $2::uuid)) AS job(tenant_id, id)
    WHERE b.tenant_id = job.tenant_id AND b.id = job.id
    RETURNING b.tenant_id, b.id
),
told AS (
    INSERT INTO bulk_refusals (tenant_id, job_id, run_id, code, message)
    SELECT turn.tenant_id, turn.id, refusal.run_id, refusal.code, refusal.message
    FROM turn
    CROSS JOIN unnest($5::uuid[], $6::text[], $7::text[]) AS refusal(run_id, code, message)
)
INSERT INTO events (tenant_id, kind, data, at)
SELECT
    tenant_id, CASE WHEN $9 THEN 'BULK_JOB_ENDED' ELSE 'BULK_JOB_ADVANCED' END, jsonb_build_object('bulkJob', id), present()
FROM turn
