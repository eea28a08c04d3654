-- No foreign keys among the tables that every run writes: each check would be one more look-up per row, and a lock on
-- the one version row that ten thousand runs a second share. They are written together, in one statement, by one module.
CREATE TABLE runs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    version_id uuid NOT NULL,
    state text NOT NULL,
    state_reason text,
    priority smallint NOT NULL,
    trigger text NOT NULL,
    started_by text NOT NULL,
    inputs jsonb NOT NULL,
    task_runs integer NOT NULL,
    open_task_runs integer NOT NULL,
    failed_task_runs integer NOT NULL DEFAULT 0,
    stop_requested_at timestamptz,
    stop_requested_by text,
    stop_as text,
    paused_at timestamptz,
    paused_by text,
    output jsonb,
    parent_run_id uuid,
    parent_task_run_id uuid,
    depth smallint NOT NULL DEFAULT 0,
    rerun_of uuid,
    schedule_id uuid,
    occurrence jsonb,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    CONSTRAINT runs_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT run_state_is_known CHECK (
        state IN ('QUEUED', 'RUNNING', 'PAUSED', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'TIMED_OUT')),
    CONSTRAINT run_is_finished_when_nothing_is_open CHECK (
        (finished_at IS NOT NULL) = (state IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'TIMED_OUT'))
        AND (finished_at IS NULL OR open_task_runs = 0)),
    CONSTRAINT run_stops_as_something CHECK (
        (stop_requested_at IS NULL) = (stop_as IS NULL) AND stop_as IN ('FAILED', 'CANCELLED', 'TIMED_OUT')),
    CONSTRAINT run_is_paused_by_somebody CHECK (
        (paused_at IS NULL) = (paused_by IS NULL) AND (state <> 'PAUSED' OR paused_at IS NOT NULL)),
    CONSTRAINT run_within_a_run_has_a_depth CHECK (
        (parent_run_id IS NULL) = (parent_task_run_id IS NULL) AND (parent_run_id IS NULL) = (depth = 0)),
    CONSTRAINT run_priority_is_0_to_9 CHECK (priority BETWEEN 0 AND 9)
) WITH (fillfactor = 80);
CREATE INDEX runs_of_workflow ON runs (tenant_id, workflow_id, id);
CREATE INDEX runs_by_state ON runs (tenant_id, state, id);
CREATE INDEX runs_within_run ON runs (tenant_id, parent_run_id, parent_task_run_id) WHERE parent_run_id IS NOT NULL;
CREATE INDEX runs_of_schedule ON runs (tenant_id, schedule_id, id) WHERE schedule_id IS NOT NULL;
CREATE INDEX reruns_of_run ON runs (tenant_id, rerun_of, id) WHERE rerun_of IS NOT NULL;
COMMENT ON TABLE runs IS 'Executions of workflow versions.';
COMMENT ON COLUMN runs.tenant_id IS 'The owner.';
COMMENT ON COLUMN runs.id IS 'Names the run; sorts by creation.';
COMMENT ON COLUMN runs.workflow_id IS 'The workflow.';
COMMENT ON COLUMN runs.version_id IS 'The version that it is pinned to.';
COMMENT ON COLUMN runs.state IS 'A RunState.';
COMMENT ON COLUMN runs.state_reason IS 'Why it is not plainly successful, in a sentence.';
COMMENT ON COLUMN runs.priority IS '0 (last) to 9 (first).';
COMMENT ON COLUMN runs.trigger IS 'What caused it.';
COMMENT ON COLUMN runs.started_by IS 'The subject of the token that started it.';
COMMENT ON COLUMN runs.inputs IS 'What it was given: an object.';
COMMENT ON COLUMN runs.task_runs IS 'How many task runs it has.';
COMMENT ON COLUMN runs.open_task_runs IS 'How many of them have not ended.';
COMMENT ON COLUMN runs.failed_task_runs IS 'How many of them failed.';
COMMENT ON COLUMN runs.stop_requested_at IS 'When it was told to stop; nothing of it starts from then on.';
COMMENT ON COLUMN runs.stop_requested_by IS 'The subject of the token that told it so; nobody when its own rules did.';
COMMENT ON COLUMN runs.stop_as IS 'The state that it ends in because it was told to stop.';
COMMENT ON COLUMN runs.paused_at IS 'Since when it starts nothing.';
COMMENT ON COLUMN runs.paused_by IS 'The subject of the token that paused it.';
COMMENT ON COLUMN runs.output IS 'What it returned: an object.';
COMMENT ON COLUMN runs.parent_run_id IS 'The run that it runs within.';
COMMENT ON COLUMN runs.parent_task_run_id IS 'The task run of that run that it is.';
COMMENT ON COLUMN runs.depth IS 'How many runs it runs within.';
COMMENT ON COLUMN runs.rerun_of IS 'The run that it was made from.';
COMMENT ON COLUMN runs.schedule_id IS 'The schedule that started it.';
COMMENT ON COLUMN runs.occurrence IS 'The occurrence that it is for, as expressions read it.';
COMMENT ON COLUMN runs.created_at IS 'When it was accepted.';
COMMENT ON COLUMN runs.started_at IS 'When its first attempt started.';
COMMENT ON COLUMN runs.finished_at IS 'When its last task run ended.';

CREATE TABLE task_runs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    node integer NOT NULL,
    key text NOT NULL,
    state text NOT NULL,
    state_reason text,
    pending_parents integer NOT NULL,
    failed_parents integer NOT NULL DEFAULT 0,
    doomed_parents integer NOT NULL DEFAULT 0,
    skipped_parents integer NOT NULL DEFAULT 0,
    parent_id uuid,
    item integer,
    item_value jsonb,
    open_items integer NOT NULL DEFAULT 0,
    failed_items integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    output jsonb,
    finished_at timestamptz,
    CONSTRAINT task_runs_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT task_run_state_is_known CHECK (
        state IN ('BLOCKED', 'LIVE', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED', 'UPSTREAM_FAILED')),
    CONSTRAINT task_run_is_finished_when_it_ended CHECK ((finished_at IS NULL) = (state IN ('BLOCKED', 'LIVE'))),
    CONSTRAINT task_run_counts_what_it_waits_for CHECK (
        pending_parents >= 0 AND failed_parents >= 0 AND doomed_parents >= 0 AND skipped_parents >= 0
        AND open_items >= 0 AND failed_items >= 0),
    CONSTRAINT task_run_of_an_item_has_a_parent CHECK ((parent_id IS NULL) = (item IS NULL))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX task_runs_of_run ON task_runs (tenant_id, run_id, node, item) NULLS NOT DISTINCT;
COMMENT ON TABLE task_runs IS 'One task node''s share of a run.';
COMMENT ON COLUMN task_runs.tenant_id IS 'The owner.';
COMMENT ON COLUMN task_runs.id IS 'Names the task run.';
COMMENT ON COLUMN task_runs.run_id IS 'The run.';
COMMENT ON COLUMN task_runs.node IS 'The place of its node in the version''s definition.';
COMMENT ON COLUMN task_runs.key IS 'The key of its node.';
COMMENT ON COLUMN task_runs.state IS 'A TaskRunState, or LIVE: then its dispatch row tells which.';
COMMENT ON COLUMN task_runs.state_reason IS 'Why it is not plainly successful, in a sentence.';
COMMENT ON COLUMN task_runs.pending_parents IS 'How many of the nodes before it have not ended.';
COMMENT ON COLUMN task_runs.failed_parents IS 'How many of them failed, and may not.';
COMMENT ON COLUMN task_runs.doomed_parents IS 'How many of them never started because of a failure before them.';
COMMENT ON COLUMN task_runs.skipped_parents IS 'How many of them were skipped.';
COMMENT ON COLUMN task_runs.parent_id IS 'The task run of the node, when this is the share of one item, shard or executor.';
COMMENT ON COLUMN task_runs.item IS 'The place of that share, from 0.';
COMMENT ON COLUMN task_runs.item_value IS 'What that share is: the item, or the shard.';
COMMENT ON COLUMN task_runs.open_items IS 'How many of its shares have not ended.';
COMMENT ON COLUMN task_runs.failed_items IS 'How many of its shares failed.';
COMMENT ON COLUMN task_runs.attempts IS 'How many attempts it had when it ended.';
COMMENT ON COLUMN task_runs.output IS 'What its successful attempt gave.';
COMMENT ON COLUMN task_runs.finished_at IS 'When it ended.';

CREATE TABLE attempts (
    tenant_id uuid NOT NULL,
    task_run_id uuid NOT NULL,
    number integer NOT NULL,
    executor_id uuid NOT NULL,
    outcome text NOT NULL,
    exit_code integer,
    http_status integer,
    message text,
    output jsonb,
    assigned_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz NOT NULL,
    CONSTRAINT attempts_pkey PRIMARY KEY (tenant_id, task_run_id, number),
    CONSTRAINT attempt_outcome_is_known CHECK (outcome IN ('SUCCEEDED', 'FAILED', 'FAULT', 'CANCELLED', 'TIMED_OUT'))
);
COMMENT ON TABLE attempts IS 'The numbered tries that have ended. One that is under way is a dispatch row; a row here never changes.';
COMMENT ON COLUMN attempts.tenant_id IS 'The owner.';
COMMENT ON COLUMN attempts.task_run_id IS 'The task run.';
COMMENT ON COLUMN attempts.number IS 'The try, from 1; it was the fence of its lease.';
COMMENT ON COLUMN attempts.executor_id IS 'Who had it.';
COMMENT ON COLUMN attempts.outcome IS 'An Outcome.';
COMMENT ON COLUMN attempts.exit_code IS 'The program''s exit code.';
COMMENT ON COLUMN attempts.http_status IS 'The status of the endpoint''s answer.';
COMMENT ON COLUMN attempts.message IS 'Why, in a sentence.';
COMMENT ON COLUMN attempts.output IS 'What it gave.';
COMMENT ON COLUMN attempts.assigned_at IS 'When its executor was chosen.';
COMMENT ON COLUMN attempts.started_at IS 'When its executor started it, if it did.';
COMMENT ON COLUMN attempts.finished_at IS 'When its end was recorded.';

SELECT keep_tenant_alone('runs'), keep_tenant_alone('task_runs'), keep_tenant_alone('attempts');
GRANT SELECT, INSERT, UPDATE ON runs, task_runs TO waterclock_api;
GRANT SELECT, INSERT ON attempts TO waterclock_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON runs, task_runs, attempts TO waterclock_engine;
