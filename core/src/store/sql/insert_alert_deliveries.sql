-- insert_alert_deliveries: sends alerts on their way.
-- Moves:  nothing
-- Locks:  new rows only.
-- Clock:  the database's.
INSERT INTO alert_deliveries (tenant_id, id, alert_id, channel_id, body)
SELECT tenant_id, id, alert_id, channel_id, body
FROM jsonb_to_recordset($1::jsonb) AS d(tenant_id uuid, id uuid, alert_id uuid, channel_id uuid, body jsonb)
