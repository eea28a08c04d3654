-- next_alert_delivery: how long, in milliseconds, until the next delivery is due; NULL when none is on its way.
-- Moves:  nothing
-- Index:  alert_deliveries_by_due
-- Clock:  the database's.
SELECT (
    SELECT greatest(ceil(extract(epoch FROM next_at - present()) * 1000), 0)::bigint
    FROM alert_deliveries
    WHERE state = 'PENDING'
    ORDER BY next_at
    LIMIT 1
) AS due_ms
