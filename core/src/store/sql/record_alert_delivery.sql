-- record_alert_delivery: records what became of a try of the delivery ($1, $2), of which the log keeps the latest 50: the
-- delivery is in state $4 now, and tried again after $5 ms when it is still pending.
-- Moves:  nothing
-- Locks:  the delivery.
-- Index:  alert_deliveries_pkey
-- Fence:  $3 is matched; with another fence somebody else has it, and nothing is recorded.
-- Clock:  the database's.
UPDATE alert_deliveries
SET state = $4,
    tries = tries + 1,
    log = (CASE WHEN jsonb_array_length(log) >= 50 THEN log - 0 ELSE log END) || $6::jsonb,
    next_at = present() + $5 * interval '1 millisecond',
    finished_at = CASE WHEN $4 <> 'PENDING' THEN present() END
WHERE tenant_id = ($1) AND id = $2 AND fence = $3 AND state = 'PENDING'
