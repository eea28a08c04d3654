CREATE TABLE published_events (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    key text,
    payload jsonb NOT NULL,
    published_by text NOT NULL,
    at timestamptz NOT NULL,
    woken bigint NOT NULL,
    fired bigint NOT NULL,
    CONSTRAINT published_events_pkey PRIMARY KEY (tenant_id, id)
);
CREATE INDEX published_events_by_name ON published_events (tenant_id, name, at);
COMMENT ON TABLE published_events IS 'What tenants told the service has happened.';
COMMENT ON COLUMN published_events.tenant_id IS 'The owner.';
COMMENT ON COLUMN published_events.id IS 'Names the event; sorts by publication.';
COMMENT ON COLUMN published_events.name IS 'What happened, in the tenant''s word.';
COMMENT ON COLUMN published_events.key IS 'What it is about.';
COMMENT ON COLUMN published_events.payload IS 'What else there is to say.';
COMMENT ON COLUMN published_events.published_by IS 'The subject of the token that published it.';
COMMENT ON COLUMN published_events.at IS 'When.';
COMMENT ON COLUMN published_events.woken IS 'How many task runs waited for it.';
COMMENT ON COLUMN published_events.fired IS 'How many triggers did.';

CREATE TABLE awaited_events (
    tenant_id uuid NOT NULL,
    task_run_id uuid NOT NULL,
    run_id uuid NOT NULL,
    name text NOT NULL,
    key text,
    CONSTRAINT awaited_events_pkey PRIMARY KEY (tenant_id, task_run_id)
);
CREATE INDEX awaited_events_by_name ON awaited_events (tenant_id, name, key);
COMMENT ON TABLE awaited_events IS 'The events that task runs wait for. A row goes with its wait.';
COMMENT ON COLUMN awaited_events.tenant_id IS 'The owner.';
COMMENT ON COLUMN awaited_events.task_run_id IS 'Who waits.';
COMMENT ON COLUMN awaited_events.run_id IS 'Its run.';
COMMENT ON COLUMN awaited_events.name IS 'The name that the event must have.';
COMMENT ON COLUMN awaited_events.key IS 'The key that it must have; any will do when absent.';
SELECT keep_tenant_alone('published_events'), keep_tenant_alone('awaited_events');
GRANT SELECT, INSERT ON published_events TO waterclock_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON published_events TO waterclock_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON awaited_events TO waterclock_api, waterclock_engine;
