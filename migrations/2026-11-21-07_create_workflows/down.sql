ALTER TABLE workflows DROP CONSTRAINT published_version_exists;
DROP TABLE workflow_versions;
DROP TABLE workflows;
