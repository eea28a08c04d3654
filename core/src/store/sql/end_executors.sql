-- end_executors: ends the life of executors that own nothing any more and whose lease has ended.
-- Moves:  nothing
-- Locks:  executors.
-- Index:  executor_key_is_unique_among_the_living, dispatch_held
-- Clock:  the database's.
WITH lost AS (
    UPDATE executors AS e
    SET ended_at = present(), end_reason = 'LOST'
    WHERE e.ended_at IS NULL AND e.lease_until <= present()
        AND NOT EXISTS (SELECT FROM dispatch AS d WHERE d.executor_id = e.id AND d.hold IS NULL)
    RETURNING e.tenant_id, e.id, e.key
),
logged AS (
    INSERT INTO events (tenant_id, kind, data, at)
    SELECT tenant_id, 'EXECUTOR_LOST', jsonb_build_object('executor', id, 'key', key), present()
    FROM lost
)
SELECT tenant_id, id, key
FROM lost
