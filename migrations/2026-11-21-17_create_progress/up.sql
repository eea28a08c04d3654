CREATE TABLE progress (
    tenant_id uuid NOT NULL,
    task_run_id uuid NOT NULL,
    attempt integer NOT NULL,
    percent double precision,
    message text,
    at timestamptz NOT NULL,
    CONSTRAINT progress_pkey PRIMARY KEY (tenant_id, task_run_id),
    CONSTRAINT progress_percent_is_0_to_100 CHECK (percent BETWEEN 0 AND 100)
) WITH (fillfactor = 50);
COMMENT ON TABLE progress IS 'How far task runs say that they are; the latest word of each.';
COMMENT ON COLUMN progress.tenant_id IS 'The owner.';
COMMENT ON COLUMN progress.task_run_id IS 'The task run.';
COMMENT ON COLUMN progress.attempt IS 'The attempt that says so.';
COMMENT ON COLUMN progress.percent IS 'How much of its work is done.';
COMMENT ON COLUMN progress.message IS 'What it is at.';
COMMENT ON COLUMN progress.at IS 'When it said so.';
SELECT keep_tenant_alone('progress');
GRANT SELECT ON progress TO waterclock_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON progress TO waterclock_engine;
