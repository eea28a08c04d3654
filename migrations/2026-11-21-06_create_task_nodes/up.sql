CREATE TABLE task_nodes (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    key text NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    description text NOT NULL DEFAULT '',
    program_id uuid,
    endpoint_id uuid,
    spec jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT present(),
    updated_at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT task_nodes_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT task_node_has_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT task_node_key_is_unique UNIQUE (tenant_id, key),
    CONSTRAINT task_node_program_exists FOREIGN KEY (tenant_id, program_id) REFERENCES programs (tenant_id, id),
    CONSTRAINT task_node_endpoint_exists FOREIGN KEY (tenant_id, endpoint_id) REFERENCES endpoints (tenant_id, id),
    CONSTRAINT task_node_does_one_thing CHECK (program_id IS NULL OR endpoint_id IS NULL)
);
CREATE INDEX task_nodes_of_program ON task_nodes (tenant_id, program_id) WHERE program_id IS NOT NULL;
CREATE INDEX task_nodes_of_endpoint ON task_nodes (tenant_id, endpoint_id) WHERE endpoint_id IS NOT NULL;
COMMENT ON TABLE task_nodes IS 'Programs and endpoints configured for use: the vertices that workflows are made of.';
COMMENT ON COLUMN task_nodes.tenant_id IS 'The owner.';
COMMENT ON COLUMN task_nodes.id IS 'Names the task node for good.';
COMMENT ON COLUMN task_nodes.key IS 'The task node''s name among people, unique within the tenant.';
COMMENT ON COLUMN task_nodes.revision IS 'Rises with every edit; an edit names the revision that it was made from.';
COMMENT ON COLUMN task_nodes.description IS 'What it is for.';
COMMENT ON COLUMN task_nodes.program_id IS 'The program that it runs; without one and without an endpoint it is a no-op.';
COMMENT ON COLUMN task_nodes.endpoint_id IS 'The endpoint that it calls.';
COMMENT ON COLUMN task_nodes.spec IS 'What the node adds: arguments, environment, labels, priority, cost, timeout, grace, retry.';
COMMENT ON COLUMN task_nodes.created_at IS 'When it was created.';
COMMENT ON COLUMN task_nodes.updated_at IS 'When it was last edited.';
SELECT keep_tenant_alone('task_nodes');
GRANT SELECT, INSERT, UPDATE, DELETE ON task_nodes TO waterclock_api, waterclock_engine;
