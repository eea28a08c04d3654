CREATE TABLE calendars (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    key text NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    description text NOT NULL DEFAULT '',
    spec jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT present(),
    updated_at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT calendars_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT calendar_has_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT calendar_key_is_unique UNIQUE (tenant_id, key)
);
COMMENT ON TABLE calendars IS 'Which days and hours work.';
COMMENT ON COLUMN calendars.tenant_id IS 'The owner.';
COMMENT ON COLUMN calendars.id IS 'Names the calendar for good.';
COMMENT ON COLUMN calendars.key IS 'The calendar''s name among people, unique within the tenant.';
COMMENT ON COLUMN calendars.revision IS 'Rises with every edit; an edit names the revision that it was made from.';
COMMENT ON COLUMN calendars.description IS 'What it is for.';
COMMENT ON COLUMN calendars.spec IS 'A CalendarDefinition.';
COMMENT ON COLUMN calendars.created_at IS 'When it was registered.';
COMMENT ON COLUMN calendars.updated_at IS 'When it was last edited.';
SELECT keep_tenant_alone('calendars');
GRANT SELECT, INSERT, UPDATE, DELETE ON calendars TO waterclock_api;
GRANT SELECT ON calendars TO waterclock_engine;
