-- insert_firings: records the firings $2 ($1 to $7, a column each) of triggers $4 for their causes $5, as far as the trigger was there
-- when it was caused, and the same cause has not fired it before. Of a trigger that is paused, or was then, nothing starts.
-- Moves:  nothing
-- Locks:  new rows; one for the same cause that another transaction writes is waited for.
-- Index:  triggers_pkey, firing_is_unique
-- Clock:  the database's, for causes that say no instant: they happen in this transaction.
WITH given AS (
    SELECT tenant_id, id, partition, trigger_id, cause, facts, coalesce(caused_at, present()) AS caused_at
    FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::uuid[], $5::text[], $6::jsonb[], $7::timestamptz[])
        AS f(tenant_id, id, partition, trigger_id, cause, facts, caused_at)
),
recorded AS (
    INSERT INTO firings (tenant_id, id, trigger_id, partition, cause, facts, outcome, reason, caused_at, decided_at)
    SELECT
        g.tenant_id, g.id, g.trigger_id, g.partition, g.cause, g.facts, CASE WHEN p.paused THEN 'PAUSED' ELSE 'PENDING' END,
        CASE WHEN p.paused THEN 'its trigger was paused' END, g.caused_at, CASE WHEN p.paused THEN present() END
    FROM given AS g
    JOIN triggers AS t ON t.tenant_id = g.tenant_id AND t.id = g.trigger_id AND t.created_at <= g.caused_at
    CROSS JOIN LATERAL (SELECT t.state = 'PAUSED' OR g.caused_at < t.changed_at AS paused) AS p
    ON CONFLICT (tenant_id, trigger_id, cause) DO NOTHING
    RETURNING tenant_id, id, trigger_id, outcome, reason
),
logged AS (
    INSERT INTO events (tenant_id, kind, data, at)
    SELECT
        tenant_id, 'FIRING_DECIDED',
        jsonb_build_object('firingId', id, 'triggerId', trigger_id, 'outcome', outcome, 'reason', reason), present()
    FROM recorded
    WHERE outcome <> 'PENDING'
    ORDER BY id
)
SELECT id FROM recorded
