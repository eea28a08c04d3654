CREATE TABLE alert_channels (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    key text NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    description text NOT NULL DEFAULT '',
    spec jsonb NOT NULL,
    secret text,
    disabled_reason text,
    created_at timestamptz NOT NULL DEFAULT present(),
    updated_at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT alert_channels_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT alert_channel_has_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT alert_channel_key_is_unique UNIQUE (tenant_id, key)
);
COMMENT ON TABLE alert_channels IS 'Where alerts are delivered to: webhooks and mail addresses.';
COMMENT ON COLUMN alert_channels.tenant_id IS 'The owner.';
COMMENT ON COLUMN alert_channels.id IS 'Names the channel for good.';
COMMENT ON COLUMN alert_channels.key IS 'The channel''s name among people, unique within the tenant.';
COMMENT ON COLUMN alert_channels.revision IS 'Rises with every edit; an edit names the revision that it was made from.';
COMMENT ON COLUMN alert_channels.description IS 'What it is for.';
COMMENT ON COLUMN alert_channels.spec IS 'A ChannelSpec, without the secret.';
COMMENT ON COLUMN alert_channels.secret IS 'What deliveries to a webhook are signed with. The API may write it and may not read it.';
COMMENT ON COLUMN alert_channels.disabled_reason IS 'Why nothing is sent to it any more, until it is edited.';
COMMENT ON COLUMN alert_channels.created_at IS 'When it was registered.';
COMMENT ON COLUMN alert_channels.updated_at IS 'When it was last edited.';
SELECT keep_tenant_alone('alert_channels');
GRANT SELECT (tenant_id, id, key, revision, description, spec, disabled_reason, created_at, updated_at), INSERT, UPDATE, DELETE
    ON alert_channels TO waterclock_api;
GRANT SELECT, UPDATE ON alert_channels TO waterclock_engine;
