-- claim_keys: names calls of mutation $2 by the keys $3, as far as these are free. In order of the keys, so that two
-- transactions that name the same ones wait for each other in line and not in a ring.
-- Moves:  nothing
-- Locks:  new rows; a key that is being claimed elsewhere is waited for.
-- Index:  idempotency_keys_pkey
INSERT INTO idempotency_keys (tenant_id, mutation, key, request, object_id)
SELECT $1, $2, key, request, object_id
FROM unnest($3::text[], $4::bytea[], $5::uuid[]) AS c(key, request, object_id)
ORDER BY key
ON CONFLICT DO NOTHING
