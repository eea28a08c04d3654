CREATE TABLE programs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    key text NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    description text NOT NULL DEFAULT '',
    spec jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT present(),
    updated_at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT programs_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT program_has_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT program_key_is_unique UNIQUE (tenant_id, key)
);
COMMENT ON TABLE programs IS 'Registered code: a package or command, its entry point and arguments.';
COMMENT ON COLUMN programs.tenant_id IS 'The owner.';
COMMENT ON COLUMN programs.id IS 'Names the program for good.';
COMMENT ON COLUMN programs.key IS 'The program''s name among people, unique within the tenant.';
COMMENT ON COLUMN programs.revision IS 'Rises with every edit; an edit names the revision that it was made from.';
COMMENT ON COLUMN programs.description IS 'What it is for.';
COMMENT ON COLUMN programs.spec IS 'A ProgramSpec: runtime, command, package, entry point, arguments, environment, files, limits.';
COMMENT ON COLUMN programs.created_at IS 'When it was registered.';
COMMENT ON COLUMN programs.updated_at IS 'When it was last edited.';
SELECT keep_tenant_alone('programs');
GRANT SELECT, INSERT, UPDATE, DELETE ON programs TO waterclock_api, waterclock_engine;
