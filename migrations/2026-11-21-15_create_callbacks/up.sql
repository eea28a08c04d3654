CREATE TABLE callbacks (
    tenant_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    run_id uuid NOT NULL,
    task_run_id uuid NOT NULL,
    fence integer NOT NULL,
    answered_at timestamptz,
    succeeded boolean,
    message text,
    output jsonb,
    CONSTRAINT callbacks_pkey PRIMARY KEY (tenant_id, token_hash),
    CONSTRAINT callback_is_answered_whole CHECK ((answered_at IS NULL) = (succeeded IS NULL))
);
CREATE UNIQUE INDEX callbacks_of_attempt ON callbacks (tenant_id, task_run_id, fence);
COMMENT ON TABLE callbacks IS 'The addresses by which endpoints finish attempts later. A row goes with its attempt.';
COMMENT ON COLUMN callbacks.tenant_id IS 'The owner.';
COMMENT ON COLUMN callbacks.token_hash IS 'The SHA-256 of the address''s secret part, which is stored nowhere.';
COMMENT ON COLUMN callbacks.run_id IS 'The run.';
COMMENT ON COLUMN callbacks.task_run_id IS 'The task run.';
COMMENT ON COLUMN callbacks.fence IS 'The attempt.';
COMMENT ON COLUMN callbacks.answered_at IS 'When the address was called; it works once.';
COMMENT ON COLUMN callbacks.succeeded IS 'Whether the work was done.';
COMMENT ON COLUMN callbacks.message IS 'Why not, in the endpoint''s words.';
COMMENT ON COLUMN callbacks.output IS 'What it gave.';
SELECT keep_tenant_alone('callbacks');
GRANT SELECT, INSERT, UPDATE, DELETE ON callbacks TO waterclock_api, waterclock_engine;
