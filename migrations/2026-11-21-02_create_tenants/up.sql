CREATE TABLE tenants (
    id uuid NOT NULL,
    key text NOT NULL,
    partition smallint NOT NULL,
    most_live_runs integer,
    created_at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT tenants_pkey PRIMARY KEY (id),
    CONSTRAINT tenant_key_is_unique UNIQUE (key),
    CONSTRAINT tenant_key_is_a_key CHECK (key ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    CONSTRAINT partition_is_one_of_64 CHECK (partition BETWEEN 0 AND 63),
    CONSTRAINT tenant_may_have_runs CHECK (most_live_runs > 0)
);
COMMENT ON TABLE tenants IS 'The boundary of ownership and isolation; every other row belongs to one.';
COMMENT ON COLUMN tenants.id IS 'Names the tenant in every other table. All zeros is the platform itself, which owns shared executors.';
COMMENT ON COLUMN tenants.key IS 'The tenant''s name in tokens.';
COMMENT ON COLUMN tenants.partition IS 'The slice of the tenants that it is scheduled with, under one advisory lock.';
COMMENT ON COLUMN tenants.most_live_runs IS 'How many runs of it may be live at once, those within other runs not counted; as many as it likes when absent.';
COMMENT ON COLUMN tenants.created_at IS 'When it was created.';

INSERT INTO tenants (id, key, partition) VALUES ('00000000-0000-0000-0000-000000000000', 'platform', 0);

-- Who is calling must be known before the tenant can be set, so the API may look tenants up by key, and create them.
GRANT SELECT, INSERT, UPDATE (most_live_runs) ON tenants TO waterclock_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON tenants TO waterclock_engine;
