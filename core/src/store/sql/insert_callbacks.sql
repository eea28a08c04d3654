-- insert_callbacks: records the addresses with the secrets of hash $2 of the attempts ($1, $3, $4, $5: tenant, run, task run,
-- fence). An attempt that is delivered again gets a new one.
-- Moves:  nothing
-- Locks:  new rows.
-- Index:  callbacks_of_attempt
INSERT INTO callbacks (tenant_id, token_hash, run_id, task_run_id, fence)
SELECT tenant_id, token_hash, run_id, task_run_id, fence
FROM unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::uuid[], $5::integer[])
    AS c(tenant_id, token_hash, run_id, task_run_id, fence)
ON CONFLICT (tenant_id, task_run_id, fence) DO UPDATE
SET token_hash = excluded.token_hash
