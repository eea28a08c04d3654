-- attach_alert_causes: lets alerts stand for the causes of their groups that were noted before, after an instant.
-- Moves:  nothing
-- Locks:  the causes; the alerts' lock is held.
-- Index:  alert_causes_pending
UPDATE alert_causes AS c
SET alert_id = a.alert_id
FROM jsonb_to_recordset($1::jsonb)
    AS a(tenant_id uuid, rule_id uuid, group_key text, since timestamptz, alert_id uuid)
WHERE c.tenant_id = a.tenant_id AND c.rule_id = a.rule_id AND c.group_key = a.group_key AND c.alert_id IS NULL
    AND (a.since IS NULL OR c.at > a.since)
