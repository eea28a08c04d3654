-- list_alert_groups: of each group $3 of the rule $2 of the tenant $1 the latest alert that is not resolved, and when the
-- latest 1,000 causes happened that no alert stands for.
-- Moves:  nothing
-- Locks:  nothing; the alerts' lock is held.
-- Index:  alerts_open, alert_causes_pending
SELECT g.tenant_id, g.rule_id, g.group_key, o.id AS alert_id, o.raised_at, o.is_silenced, p.pending
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS g(tenant_id, rule_id, group_key)
LEFT JOIN LATERAL (
    SELECT a.id, a.raised_at, a.silence_id IS NOT NULL AS is_silenced
    FROM alerts AS a
    WHERE a.tenant_id = g.tenant_id AND a.rule_id = g.rule_id AND a.group_key = g.group_key AND a.resolved_at IS NULL
    ORDER BY a.id DESC
    LIMIT 1
) AS o ON true
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(latest.at ORDER BY latest.at), '{}') AS pending
    FROM (
        SELECT c.at
        FROM alert_causes AS c
        WHERE c.tenant_id = g.tenant_id AND c.rule_id = g.rule_id AND c.group_key = g.group_key AND c.alert_id IS NULL
        ORDER BY c.at DESC
        LIMIT 1000
    ) AS latest
) AS p
