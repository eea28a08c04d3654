-- insert_alert_causes: records what rules took note of.
-- Moves:  nothing
-- Locks:  new rows only.
INSERT INTO alert_causes (tenant_id, rule_id, cause, group_key, alert_id, at)
SELECT tenant_id, rule_id, cause, group_key, alert_id, at
FROM jsonb_to_recordset($1::jsonb)
    AS c(tenant_id uuid, rule_id uuid, cause text, group_key text, alert_id uuid, at timestamptz)
