CREATE TABLE endpoints (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    key text NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    description text NOT NULL DEFAULT '',
    spec jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT present(),
    updated_at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT endpoints_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT endpoint_has_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT endpoint_key_is_unique UNIQUE (tenant_id, key)
);
COMMENT ON TABLE endpoints IS 'Registered HTTP addresses, each with its method and call rules.';
COMMENT ON COLUMN endpoints.tenant_id IS 'The owner.';
COMMENT ON COLUMN endpoints.id IS 'Names the endpoint for good.';
COMMENT ON COLUMN endpoints.key IS 'The endpoint''s name among people, unique within the tenant.';
COMMENT ON COLUMN endpoints.revision IS 'Rises with every edit; an edit names the revision that it was made from.';
COMMENT ON COLUMN endpoints.description IS 'What it is for.';
COMMENT ON COLUMN endpoints.spec IS 'An EndpointSpec: method, URL, headers, query, body, expected statuses, timeout.';
COMMENT ON COLUMN endpoints.created_at IS 'When it was registered.';
COMMENT ON COLUMN endpoints.updated_at IS 'When it was last edited.';
SELECT keep_tenant_alone('endpoints');
GRANT SELECT, INSERT, UPDATE, DELETE ON endpoints TO waterclock_api, waterclock_engine;
