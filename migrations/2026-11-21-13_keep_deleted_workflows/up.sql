-- The history of runs is kept, and leads to its workflow through the version. So a deleted workflow stays as a row; its key
-- is free at once.
ALTER TABLE workflows ADD COLUMN deleted_at timestamptz;
COMMENT ON COLUMN workflows.deleted_at IS 'When it was deleted; callers do not see it from then on.';
ALTER TABLE workflows DROP CONSTRAINT workflow_key_is_unique;
CREATE UNIQUE INDEX workflow_key_is_unique ON workflows (tenant_id, key) WHERE deleted_at IS NULL;
ALTER TABLE workflows ADD CONSTRAINT deleted_workflow_starts_nothing
    CHECK (deleted_at IS NULL OR published_version_id IS NULL);
