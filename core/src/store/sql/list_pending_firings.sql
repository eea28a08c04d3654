-- list_pending_firings: the first $2 firings of the partitions $1 that nobody has decided about, with how their triggers stand.
-- Moves:  nothing
-- Locks:  nothing; whoever decides about them holds the partition's lock.
-- Index:  firings_pending, once for each partition; triggers_pkey
SELECT
    f.tenant_id, f.id, f.trigger_id, f.facts, t.revision, coalesce(t.state = 'PAUSED', false) AS paused
FROM unnest($1::smallint[]) AS p
CROSS JOIN LATERAL (
    SELECT tenant_id, id, trigger_id, facts
    FROM firings
    WHERE partition = p AND outcome = 'PENDING'
    ORDER BY id
    LIMIT $2
) AS f
LEFT JOIN triggers AS t ON t.tenant_id = f.tenant_id AND t.id = f.trigger_id
ORDER BY f.id
LIMIT $2
