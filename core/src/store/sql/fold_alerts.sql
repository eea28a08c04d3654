-- fold_alerts: lets alerts stand for more causes.
-- Moves:  nothing
-- Locks:  the alerts; their lock is held.
-- Index:  alerts_pkey
UPDATE alerts AS a
SET count = a.count + f.count, last_at = greatest(a.last_at, f.last_at)
FROM jsonb_to_recordset($1::jsonb) AS f(tenant_id uuid, alert_id uuid, count integer, last_at timestamptz)
WHERE a.tenant_id = f.tenant_id AND a.id = f.alert_id
