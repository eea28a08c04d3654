CREATE TABLE workflows (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    key text NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    description text NOT NULL DEFAULT '',
    draft jsonb NOT NULL,
    latest_version integer NOT NULL DEFAULT 0,
    published_version_id uuid,
    created_at timestamptz NOT NULL DEFAULT present(),
    updated_at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT workflows_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT workflow_has_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT workflow_key_is_unique UNIQUE (tenant_id, key)
);
COMMENT ON TABLE workflows IS 'Named graphs of task nodes.';
COMMENT ON COLUMN workflows.tenant_id IS 'The owner.';
COMMENT ON COLUMN workflows.id IS 'Names the workflow for good.';
COMMENT ON COLUMN workflows.key IS 'The workflow''s name among people, unique within the tenant.';
COMMENT ON COLUMN workflows.revision IS 'Rises with every edit and publication; an edit names the revision that it was made from.';
COMMENT ON COLUMN workflows.description IS 'What it is for.';
COMMENT ON COLUMN workflows.draft IS 'What the next version will hold: nodes that name task nodes, edges, inputs, priority.';
COMMENT ON COLUMN workflows.latest_version IS 'The number of the latest version; 0 before the first.';
COMMENT ON COLUMN workflows.published_version_id IS 'The version that runs start from; none before the first publication.';
COMMENT ON COLUMN workflows.created_at IS 'When it was created.';
COMMENT ON COLUMN workflows.updated_at IS 'When it was last edited or published.';

CREATE TABLE workflow_versions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    number integer NOT NULL,
    definition jsonb NOT NULL,
    priority smallint NOT NULL,
    published_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT workflow_versions_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT version_has_a_workflow FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows (tenant_id, id),
    CONSTRAINT version_number_is_unique UNIQUE (tenant_id, workflow_id, number),
    CONSTRAINT version_priority_is_0_to_9 CHECK (priority BETWEEN 0 AND 9)
);
COMMENT ON TABLE workflow_versions IS 'Immutable editions of workflows.';
COMMENT ON COLUMN workflow_versions.tenant_id IS 'The owner.';
COMMENT ON COLUMN workflow_versions.id IS 'Names the version for good.';
COMMENT ON COLUMN workflow_versions.workflow_id IS 'The workflow.';
COMMENT ON COLUMN workflow_versions.number IS 'The edition, from 1.';
COMMENT ON COLUMN workflow_versions.definition IS 'A Definition: every node with its program or endpoint as it was, and the edges.';
COMMENT ON COLUMN workflow_versions.priority IS 'The priority of runs that name none, 0 to 9.';
COMMENT ON COLUMN workflow_versions.published_by IS 'The subject of the token that published it.';
COMMENT ON COLUMN workflow_versions.created_at IS 'When it was published.';
ALTER TABLE workflows ADD CONSTRAINT published_version_exists
    FOREIGN KEY (tenant_id, published_version_id) REFERENCES workflow_versions (tenant_id, id);

SELECT keep_tenant_alone('workflows'), keep_tenant_alone('workflow_versions');
GRANT SELECT, INSERT, UPDATE, DELETE ON workflows TO waterclock_api, waterclock_engine;
GRANT SELECT, INSERT ON workflow_versions TO waterclock_api, waterclock_engine;
