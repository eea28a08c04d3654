-- renew_executor: prolongs the lease of executor $1 by $2 ms and records what it says of itself.
-- Moves:  nothing
-- Locks:  its row.
-- Index:  executors_by_id
-- Clock:  the database's: a lease that has ended by it cannot be prolonged, because others may have the work.
WITH before AS (
    SELECT tenant_id, id, overloaded, draining
    FROM executors
    WHERE id = $1
),
renewed AS (
    UPDATE executors AS e
    SET heartbeat_at = present(), lease_until = present() + $2 * interval '1 millisecond',
        cpu = $3, memory = $4, running = $5, overloaded = $6, draining = $7
    FROM before
    WHERE e.tenant_id = before.tenant_id AND e.id = before.id AND e.ended_at IS NULL AND e.lease_until > present()
    RETURNING e.tenant_id, e.id, e.key, e.drain_requested, e.overloaded, e.draining,
        before.overloaded AS was_overloaded, before.draining AS was_draining
),
logged AS (
    INSERT INTO events (tenant_id, kind, data, at)
    SELECT tenant_id, change.kind, jsonb_build_object('executor', id, 'key', key), present()
    FROM renewed
    CROSS JOIN LATERAL (VALUES
        ('EXECUTOR_OVERLOADED', overloaded AND NOT was_overloaded),
        ('EXECUTOR_RECOVERED', was_overloaded AND NOT overloaded),
        ('EXECUTOR_DRAINING', draining AND NOT was_draining)
    ) AS change(kind, happened)
    WHERE change.happened
)
SELECT tenant_id, drain_requested, overloaded <> was_overloaded OR draining <> was_draining AS changed
FROM renewed
