-- resolve_alerts: ends what alerts of groups are about that were raised before an event, and says so in the log.
-- Moves:  nothing
-- Locks:  the alerts; their lock is held.
-- Index:  alerts_open
-- Clock:  the database's.
WITH resolved AS (
    UPDATE alerts AS a
    SET resolved_at = greatest(r.at, a.raised_at)
    FROM jsonb_to_recordset($1::jsonb)
        AS r(tenant_id uuid, rule_id uuid, group_key text, seq bigint, at timestamptz)
    WHERE a.tenant_id = r.tenant_id AND a.rule_id = r.rule_id AND a.group_key = r.group_key AND a.resolved_at IS NULL
        AND a.cause_seq < r.seq
    RETURNING a.tenant_id, a.id
)
INSERT INTO events (tenant_id, kind, data, at)
SELECT tenant_id, 'ALERT_RESOLVED', jsonb_build_object('alert', id), present()
FROM resolved
ORDER BY id
