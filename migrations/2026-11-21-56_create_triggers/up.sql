CREATE TABLE triggers (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    key text NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    description text NOT NULL DEFAULT '',
    workflow_id uuid NOT NULL,
    watched_workflow_id uuid,
    end_states text[],
    event_name text,
    event_key text,
    spec jsonb NOT NULL,
    state text NOT NULL DEFAULT 'ACTIVE',
    state_reason text,
    changed_at timestamptz NOT NULL DEFAULT present(),
    changed_by text,
    created_at timestamptz NOT NULL DEFAULT present(),
    updated_at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT triggers_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT trigger_has_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT trigger_starts_a_workflow FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows (tenant_id, id),
    CONSTRAINT trigger_watches_a_workflow FOREIGN KEY (tenant_id, watched_workflow_id) REFERENCES workflows (tenant_id, id),
    CONSTRAINT trigger_key_is_unique UNIQUE (tenant_id, key),
    CONSTRAINT trigger_state_is_known CHECK (state IN ('ACTIVE', 'PAUSED')),
    CONSTRAINT trigger_watches_for_ends CHECK ((watched_workflow_id IS NULL) = (end_states IS NULL)),
    CONSTRAINT trigger_has_one_cause CHECK (
        (watched_workflow_id IS NULL OR event_name IS NULL) AND (event_key IS NULL OR event_name IS NOT NULL))
);
CREATE INDEX triggers_of_workflow ON triggers (tenant_id, workflow_id, key);
CREATE INDEX triggers_of_ends ON triggers (tenant_id, watched_workflow_id) WHERE watched_workflow_id IS NOT NULL;
CREATE INDEX triggers_of_event ON triggers (tenant_id, event_name) WHERE event_name IS NOT NULL;
COMMENT ON TABLE triggers IS 'What starts workflows when something else happens.';
COMMENT ON COLUMN triggers.tenant_id IS 'The owner.';
COMMENT ON COLUMN triggers.id IS 'Names the trigger for good.';
COMMENT ON COLUMN triggers.key IS 'The trigger''s name among people, unique within the tenant.';
COMMENT ON COLUMN triggers.revision IS 'Rises with every edit; an edit names the revision that it was made from.';
COMMENT ON COLUMN triggers.description IS 'What it is for.';
COMMENT ON COLUMN triggers.workflow_id IS 'The workflow that it starts.';
COMMENT ON COLUMN triggers.watched_workflow_id IS 'The workflow whose runs'' ends it waits for.';
COMMENT ON COLUMN triggers.end_states IS 'The RunStates of the ends that it waits for.';
COMMENT ON COLUMN triggers.event_name IS 'The name of the published events that it waits for.';
COMMENT ON COLUMN triggers.event_key IS 'The key that these must have; any will do when absent.';
COMMENT ON COLUMN triggers.spec IS 'A TriggerSpec without the workflow that it starts.';
COMMENT ON COLUMN triggers.state IS 'A TriggerState.';
COMMENT ON COLUMN triggers.state_reason IS 'Why it is paused, in a sentence.';
COMMENT ON COLUMN triggers.changed_at IS 'Since when it is in that state.';
COMMENT ON COLUMN triggers.changed_by IS 'The subject of the token that brought it there; nobody since it was made.';
COMMENT ON COLUMN triggers.created_at IS 'When it was registered.';
COMMENT ON COLUMN triggers.updated_at IS 'When it was last edited.';
SELECT keep_tenant_alone('triggers');
GRANT SELECT, INSERT, UPDATE, DELETE ON triggers TO waterclock_api;
GRANT SELECT ON triggers TO waterclock_engine;
