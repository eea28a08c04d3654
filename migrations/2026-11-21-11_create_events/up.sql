CREATE TABLE events (
    tenant_id uuid NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY (CACHE 1),
    run_id uuid,
    task_run_id uuid,
    schedule_id uuid,
    kind text NOT NULL,
    data jsonb,
    at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT events_pkey PRIMARY KEY (tenant_id, seq)
);
CREATE INDEX events_of_run ON events (tenant_id, run_id, seq) WHERE run_id IS NOT NULL;
CREATE INDEX events_of_schedule ON events (tenant_id, schedule_id, seq) WHERE schedule_id IS NOT NULL;
COMMENT ON TABLE events IS 'What happened, in order; append-only. A reader goes no further than the numbers that every writer has settled.';
COMMENT ON COLUMN events.tenant_id IS 'The owner; the platform''s id for shared executors.';
COMMENT ON COLUMN events.seq IS 'The order. An event that another caused has the higher number.';
COMMENT ON COLUMN events.run_id IS 'The run it is about.';
COMMENT ON COLUMN events.task_run_id IS 'The task run it is about.';
COMMENT ON COLUMN events.schedule_id IS 'The schedule it is about.';
COMMENT ON COLUMN events.kind IS 'What happened, in the past tense.';
COMMENT ON COLUMN events.data IS 'What only this kind has.';
COMMENT ON COLUMN events.at IS 'When.';
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE events FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_sees_its_own_and_shared ON events FOR SELECT TO waterclock_api
    USING (tenant_id IN ((SELECT current_tenant()), '00000000-0000-0000-0000-000000000000'));
CREATE POLICY tenant_adds_its_own ON events FOR INSERT TO waterclock_api
    WITH CHECK (tenant_id = (SELECT current_tenant()));
CREATE POLICY engine_sees_all ON events TO waterclock_engine USING (true);
GRANT SELECT, INSERT ON events TO waterclock_api;
GRANT SELECT, INSERT, DELETE ON events TO waterclock_engine;
GRANT SELECT ON SEQUENCE events_seq_seq TO waterclock_api, waterclock_engine;

CREATE TABLE log_lines (
    tenant_id uuid NOT NULL,
    task_run_id uuid NOT NULL,
    attempt integer NOT NULL,
    number integer NOT NULL,
    stream text NOT NULL,
    text text NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT log_lines_pkey PRIMARY KEY (tenant_id, task_run_id, attempt, number),
    CONSTRAINT log_stream_is_known CHECK (stream IN ('STDOUT', 'STDERR', 'SYSTEM'))
);
COMMENT ON TABLE log_lines IS 'What attempts printed, line by line.';
COMMENT ON COLUMN log_lines.tenant_id IS 'The owner.';
COMMENT ON COLUMN log_lines.task_run_id IS 'The task run.';
COMMENT ON COLUMN log_lines.attempt IS 'The attempt''s number.';
COMMENT ON COLUMN log_lines.number IS 'The line within the attempt, from 1.';
COMMENT ON COLUMN log_lines.stream IS 'Where it came from.';
COMMENT ON COLUMN log_lines.text IS 'The line.';
COMMENT ON COLUMN log_lines.at IS 'When the executor read it.';
SELECT keep_tenant_alone('log_lines');
GRANT SELECT ON log_lines TO waterclock_api;
GRANT SELECT, INSERT, DELETE ON log_lines TO waterclock_engine;
