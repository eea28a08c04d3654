-- Keys become unique over all rows again, so a deleted workflow takes one that no caller can have given.
UPDATE workflows SET key = left(key, 26) || '~' || id WHERE deleted_at IS NOT NULL;
ALTER TABLE workflows DROP CONSTRAINT deleted_workflow_starts_nothing;
DROP INDEX workflow_key_is_unique;
ALTER TABLE workflows ADD CONSTRAINT workflow_key_is_unique UNIQUE (tenant_id, key);
ALTER TABLE workflows DROP COLUMN deleted_at;
