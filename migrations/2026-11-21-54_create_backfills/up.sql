CREATE TABLE backfills (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    partition smallint NOT NULL,
    newest_first boolean NOT NULL,
    reprocess text NOT NULL,
    most_running integer NOT NULL,
    inputs jsonb NOT NULL,
    reason text,
    state text NOT NULL DEFAULT 'QUEUED',
    state_reason text,
    pending integer NOT NULL,
    running integer NOT NULL DEFAULT 0,
    succeeded integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    cancelled integer NOT NULL DEFAULT 0,
    rejected integer NOT NULL DEFAULT 0,
    passed_over integer NOT NULL,
    not_before timestamptz NOT NULL DEFAULT present(),
    created_by text NOT NULL,
    cancelled_by text,
    created_at timestamptz NOT NULL DEFAULT present(),
    started_at timestamptz,
    finished_at timestamptz,
    CONSTRAINT backfills_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT backfill_has_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT backfill_state_is_known CHECK (state IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    CONSTRAINT backfill_is_finished_when_it_ended CHECK ((finished_at IS NULL) = (state IN ('QUEUED', 'RUNNING'))),
    CONSTRAINT backfill_reprocesses_something_known CHECK (reprocess IN ('NONE', 'FAILED', 'COMPLETED')),
    CONSTRAINT backfill_keeps_to_its_cap CHECK (most_running BETWEEN 1 AND 1000 AND running <= most_running),
    CONSTRAINT backfill_counts_from_nothing CHECK (pending >= 0 AND running >= 0)
) WITH (fillfactor = 50);
CREATE INDEX backfills_wanting ON backfills (partition, not_before)
    WHERE finished_at IS NULL AND pending > 0 AND running < most_running;
CREATE INDEX backfills_open ON backfills (tenant_id, schedule_id) WHERE finished_at IS NULL;
CREATE INDEX backfills_of_schedule ON backfills (tenant_id, schedule_id, id);
COMMENT ON TABLE backfills IS 'What somebody has run of a schedule''s past, one occurrence after the other.';
COMMENT ON COLUMN backfills.tenant_id IS 'The owner.';
COMMENT ON COLUMN backfills.id IS 'Names the backfill; sorts by creation.';
COMMENT ON COLUMN backfills.schedule_id IS 'The schedule, which may be deleted since.';
COMMENT ON COLUMN backfills.partition IS 'The tenant''s partition.';
COMMENT ON COLUMN backfills.newest_first IS 'The newest occurrence runs first; else the oldest does.';
COMMENT ON COLUMN backfills.reprocess IS 'A Reprocess: which occurrences that ran already run again.';
COMMENT ON COLUMN backfills.most_running IS 'How many of its runs may be under way together.';
COMMENT ON COLUMN backfills.inputs IS 'What every run is given over what the schedule gives.';
COMMENT ON COLUMN backfills.reason IS 'Why, in the words of whoever asked for it.';
COMMENT ON COLUMN backfills.state IS 'A BackfillState.';
COMMENT ON COLUMN backfills.state_reason IS 'Why it ended so, or what it waits for, in a sentence.';
COMMENT ON COLUMN backfills.pending IS 'How many of its steps are to start.';
COMMENT ON COLUMN backfills.running IS 'How many of its steps have a run under way.';
COMMENT ON COLUMN backfills.succeeded IS 'How many of its steps have a run that succeeded.';
COMMENT ON COLUMN backfills.failed IS 'How many of its steps have a run that failed.';
COMMENT ON COLUMN backfills.cancelled IS 'How many of its steps were called off, or have a run that was.';
COMMENT ON COLUMN backfills.rejected IS 'How many of its steps could not start.';
COMMENT ON COLUMN backfills.passed_over IS 'How many of its steps are not to start.';
COMMENT ON COLUMN backfills.not_before IS 'Nothing of it starts before: the tenant had no room for another run.';
COMMENT ON COLUMN backfills.created_by IS 'The subject of the token that asked for it.';
COMMENT ON COLUMN backfills.cancelled_by IS 'The subject of the token that cancelled it.';
COMMENT ON COLUMN backfills.created_at IS 'When it was made.';
COMMENT ON COLUMN backfills.started_at IS 'When its first step started.';
COMMENT ON COLUMN backfills.finished_at IS 'When it ended.';

CREATE TABLE backfill_steps (
    tenant_id uuid NOT NULL,
    backfill_id uuid NOT NULL,
    place integer NOT NULL,
    nominal timestamptz NOT NULL,
    due timestamptz NOT NULL,
    notes text[] NOT NULL,
    state text NOT NULL,
    reason text,
    run_id uuid,
    CONSTRAINT backfill_steps_pkey PRIMARY KEY (tenant_id, backfill_id, place),
    CONSTRAINT backfill_step_has_a_backfill FOREIGN KEY (tenant_id, backfill_id)
        REFERENCES backfills (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT backfill_step_state_is_known CHECK (state IN (
        'PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'REJECTED', 'PASSED_OVER')),
    CONSTRAINT backfill_step_that_runs_has_a_run CHECK (state NOT IN ('RUNNING', 'SUCCEEDED', 'FAILED') OR run_id IS NOT NULL),
    CONSTRAINT backfill_step_says_why CHECK (state NOT IN ('REJECTED', 'PASSED_OVER') OR reason IS NOT NULL)
) WITH (fillfactor = 80);
CREATE INDEX backfill_steps_pending ON backfill_steps (tenant_id, backfill_id, place) WHERE state = 'PENDING';
CREATE INDEX backfill_steps_running ON backfill_steps (tenant_id, backfill_id, run_id) WHERE state = 'RUNNING';
COMMENT ON TABLE backfill_steps IS 'The occurrences of each backfill, in the order in which they run.';
COMMENT ON COLUMN backfill_steps.tenant_id IS 'The owner.';
COMMENT ON COLUMN backfill_steps.backfill_id IS 'The backfill.';
COMMENT ON COLUMN backfill_steps.place IS 'Its place in the order.';
COMMENT ON COLUMN backfill_steps.nominal IS 'The instant that the rule names.';
COMMENT ON COLUMN backfill_steps.due IS 'When the occurrence was due, after calendars and jitter.';
COMMENT ON COLUMN backfill_steps.notes IS 'What was done to it on the way: Notes.';
COMMENT ON COLUMN backfill_steps.state IS 'A StepState.';
COMMENT ON COLUMN backfill_steps.reason IS 'Why, in a sentence.';
COMMENT ON COLUMN backfill_steps.run_id IS 'Its run.';
SELECT keep_tenant_alone('backfills'), keep_tenant_alone('backfill_steps');
GRANT SELECT, INSERT, UPDATE ON backfills, backfill_steps TO waterclock_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON backfills, backfill_steps TO waterclock_engine;
