CREATE TABLE executors (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    key text NOT NULL,
    hostname text NOT NULL,
    containment text NOT NULL,
    labels text[] NOT NULL,
    slots integer NOT NULL,
    running integer NOT NULL DEFAULT 0,
    cpu real NOT NULL DEFAULT 0,
    memory real NOT NULL DEFAULT 0,
    overloaded boolean NOT NULL DEFAULT false,
    draining boolean NOT NULL DEFAULT false,
    drain_requested boolean NOT NULL DEFAULT false,
    registered_at timestamptz NOT NULL DEFAULT present(),
    heartbeat_at timestamptz NOT NULL DEFAULT present(),
    lease_until timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text,
    CONSTRAINT executors_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT executor_has_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT executor_slots_are_positive CHECK (slots > 0),
    CONSTRAINT executor_end_has_a_reason CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX executor_key_is_unique_among_the_living ON executors (tenant_id, key) WHERE ended_at IS NULL;
CREATE INDEX executors_by_id ON executors (id);
CREATE INDEX executors_by_end ON executors (ended_at) WHERE ended_at IS NOT NULL;
COMMENT ON TABLE executors IS 'Lives of executor processes. One row is one life; a restart begins another.';
COMMENT ON COLUMN executors.tenant_id IS 'The only tenant it works for; the platform''s id for a shared one.';
COMMENT ON COLUMN executors.id IS 'Names this life.';
COMMENT ON COLUMN executors.key IS 'The executor''s name among people.';
COMMENT ON COLUMN executors.hostname IS 'Its machine.';
COMMENT ON COLUMN executors.containment IS 'How it holds process trees.';
COMMENT ON COLUMN executors.labels IS 'What it offers.';
COMMENT ON COLUMN executors.slots IS 'The cost it carries at once.';
COMMENT ON COLUMN executors.running IS 'Attempts under way, by its last heartbeat.';
COMMENT ON COLUMN executors.cpu IS 'The share of its machine''s processors in use, by its last heartbeat.';
COMMENT ON COLUMN executors.memory IS 'The share of its machine''s memory in use, by its last heartbeat.';
COMMENT ON COLUMN executors.overloaded IS 'It passed a load threshold and takes nothing until it falls well below.';
COMMENT ON COLUMN executors.draining IS 'It takes nothing more and will stop.';
COMMENT ON COLUMN executors.drain_requested IS 'Somebody asked it to drain; it hears so with its next heartbeat.';
COMMENT ON COLUMN executors.registered_at IS 'When this life began.';
COMMENT ON COLUMN executors.heartbeat_at IS 'When it last spoke.';
COMMENT ON COLUMN executors.lease_until IS 'Until when its work is its own; after that others may have it.';
COMMENT ON COLUMN executors.ended_at IS 'When this life ended.';
COMMENT ON COLUMN executors.end_reason IS 'How: it left, or its lease ended.';
ALTER TABLE executors ENABLE ROW LEVEL SECURITY;
ALTER TABLE executors FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_sees_its_own_and_shared ON executors FOR SELECT TO waterclock_api
    USING (tenant_id IN ((SELECT current_tenant()), '00000000-0000-0000-0000-000000000000'));
CREATE POLICY tenant_changes_its_own ON executors FOR UPDATE TO waterclock_api
    USING (tenant_id = (SELECT current_tenant()));
CREATE POLICY engine_sees_all ON executors TO waterclock_engine USING (true);
GRANT SELECT, UPDATE ON executors TO waterclock_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON executors TO waterclock_engine;

CREATE TABLE schedulers (
    id uuid NOT NULL,
    hostname text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT present(),
    lease_until timestamptz NOT NULL,
    CONSTRAINT schedulers_pkey PRIMARY KEY (id)
) WITH (fillfactor = 50);
COMMENT ON TABLE schedulers IS 'Live schedulers, from which each works out the partitions that it prefers.';
COMMENT ON COLUMN schedulers.id IS 'Names this life of the scheduler.';
COMMENT ON COLUMN schedulers.hostname IS 'Its machine.';
COMMENT ON COLUMN schedulers.started_at IS 'When this life began.';
COMMENT ON COLUMN schedulers.lease_until IS 'Until when it counts as alive.';
GRANT SELECT, INSERT, UPDATE, DELETE ON schedulers TO waterclock_engine;
