-- list_pending_of_trigger: the first $4 firings up to $5 of trigger $2 of tenant $1, in partition $3, that nobody has decided about, with
-- how the trigger stands.
-- Moves:  nothing
-- Locks:  nothing; whoever decides about them holds the partition's lock.
-- Index:  firings_pending, triggers_pkey
SELECT f.tenant_id, f.id, f.trigger_id, f.facts, t.revision, t.state = 'PAUSED' AS paused
FROM firings AS f
JOIN triggers AS t ON t.tenant_id = f.tenant_id AND t.id = f.trigger_id
WHERE f.partition = $3 AND f.outcome = 'PENDING' AND f.tenant_id = $1 AND f.trigger_id = $2 AND f.id <= $5
ORDER BY f.id
LIMIT $4
