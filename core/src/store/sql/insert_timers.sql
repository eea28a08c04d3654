-- insert_timers: sets timers of partition $2 of tenant $1: after $4 milliseconds, or at the instant $5.
-- Moves:  nothing
-- Locks:  new rows.
-- Clock:  the database's.
INSERT INTO timers (tenant_id, partition, kind, due_at, run_id, task_run_id, fence)
SELECT t.tenant_id, t.partition, t.kind, coalesce(t.at, present() + t.after_ms * interval '1 millisecond'), t.run_id,
    t.task_run_id, t.fence
FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::bigint[], $5::timestamptz[], $6::uuid[], $7::uuid[], $8::integer[])
    AS t(tenant_id, partition, kind, after_ms, at, run_id, task_run_id, fence)
