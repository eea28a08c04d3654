-- claim_alert_deliveries: takes up to $1 due deliveries of each tenant, and $3 in all, for $4 ms; tenants in $2 have enough
-- under way. Gives what it takes to send them.
-- Moves:  nothing
-- Locks:  the deliveries; those that somebody is just claiming are passed over.
-- Index:  alert_deliveries_due, one look for each tenant that has some; alert_channels_pkey
-- Fence:  returned; whoever records what became of the try must present it.
-- Clock:  the database's, so that processes need not agree on the time.
WITH RECURSIVE waiting AS (
    (SELECT tenant_id FROM alert_deliveries WHERE state = 'PENDING' ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT later.tenant_id
    FROM waiting
    CROSS JOIN LATERAL (
        SELECT tenant_id
        FROM alert_deliveries
        WHERE state = 'PENDING' AND tenant_id > waiting.tenant_id
        ORDER BY tenant_id
        LIMIT 1
    ) AS later
),
due AS (
    SELECT head.tenant_id, head.id
    FROM waiting AS w
    CROSS JOIN LATERAL (
        SELECT d.tenant_id, d.id
        FROM alert_deliveries AS d
        WHERE d.tenant_id = w.tenant_id AND d.state = 'PENDING' AND d.next_at <= present()
        ORDER BY d.next_at
        LIMIT $1
        FOR UPDATE SKIP LOCKED
    ) AS head
    WHERE w.tenant_id <> ALL ($2::uuid[])
    LIMIT $3
),
claimed AS (
    UPDATE alert_deliveries AS d
    SET fence = d.fence + 1, next_at = present() + $4 * interval '1 millisecond'
    FROM due
    WHERE d.tenant_id = due.tenant_id AND d.id = due.id
    RETURNING d.tenant_id, d.id, d.channel_id, d.fence, d.tries, d.body
)
SELECT c.tenant_id, c.id, c.channel_id, c.fence, c.tries, c.body, ch.spec, ch.secret, ch.disabled_reason, present() AS now
FROM claimed AS c
LEFT JOIN alert_channels AS ch ON ch.tenant_id = c.tenant_id AND ch.id = c.channel_id
