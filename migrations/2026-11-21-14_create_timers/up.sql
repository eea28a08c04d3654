CREATE TABLE timers (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    partition smallint NOT NULL,
    due_at timestamptz NOT NULL,
    kind text NOT NULL,
    run_id uuid NOT NULL,
    task_run_id uuid,
    fence integer,
    CONSTRAINT timers_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT timer_kind_is_known CHECK (kind IN (
        'RUN_TIMEOUT', 'START_DEADLINE', 'ATTEMPT_OVERDUE', 'HOLD_OVER', 'CALLBACK_DUE', 'RUN_ENDED', 'EVENT_PUBLISHED', 'EXECUTOR_GONE'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX timers_due ON timers (partition, due_at);
CREATE INDEX timers_of_run ON timers (tenant_id, run_id);
COMMENT ON TABLE timers IS 'What a scheduler is to look at, and when. A timer decides nothing: whoever it wakes looks at what is true by then. They go with their run.';
COMMENT ON COLUMN timers.tenant_id IS 'The owner.';
COMMENT ON COLUMN timers.id IS 'Names the timer.';
COMMENT ON COLUMN timers.partition IS 'The tenant''s partition.';
COMMENT ON COLUMN timers.due_at IS 'When.';
COMMENT ON COLUMN timers.kind IS 'What is to be looked at.';
COMMENT ON COLUMN timers.run_id IS 'The run.';
COMMENT ON COLUMN timers.task_run_id IS 'The task run, when it is one''s.';
COMMENT ON COLUMN timers.fence IS 'The attempt, when it is one''s.';
SELECT keep_tenant_alone('timers');
GRANT SELECT, INSERT, UPDATE, DELETE ON timers TO waterclock_api, waterclock_engine;
