CREATE TABLE dispatch (
    tenant_id uuid NOT NULL,
    task_run_id uuid NOT NULL,
    partition smallint NOT NULL,
    run_id uuid NOT NULL,
    version_id uuid NOT NULL,
    node integer NOT NULL,
    state text NOT NULL,
    priority smallint NOT NULL,
    cost smallint NOT NULL,
    labels text[] NOT NULL,
    ready_at timestamptz NOT NULL,
    fence integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    faults integer NOT NULL DEFAULT 0,
    stop_requested boolean NOT NULL DEFAULT false,
    stop_at_once boolean NOT NULL DEFAULT false,
    paused boolean NOT NULL DEFAULT false,
    hold text,
    item integer,
    pinned_to text,
    begun_at timestamptz,
    executor_id uuid,
    assigned_at timestamptz,
    started_at timestamptz,
    CONSTRAINT dispatch_pkey PRIMARY KEY (tenant_id, task_run_id),
    CONSTRAINT dispatch_state_is_live CHECK (state IN ('READY', 'ASSIGNED', 'RUNNING', 'RETRY_WAIT')),
    CONSTRAINT dispatch_is_owned_when_assigned CHECK (
        (executor_id IS NOT NULL) = (state = 'ASSIGNED' OR state = 'RUNNING' AND (hold IS NULL OR hold = 'CALLBACK'))
        AND (assigned_at IS NOT NULL) = (executor_id IS NOT NULL)
        AND (started_at IS NOT NULL) = (state = 'RUNNING')),
    CONSTRAINT dispatch_holds_what_runs CHECK (
        hold IS NULL OR state = 'RUNNING' AND hold IN ('ITEMS', 'RUN', 'APPROVAL', 'WAIT', 'CALLBACK')),
    CONSTRAINT dispatch_pauses_what_waits CHECK (NOT paused OR state IN ('READY', 'RETRY_WAIT')),
    CONSTRAINT dispatch_cost_is_positive CHECK (cost > 0)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX dispatch_ready ON dispatch (partition, tenant_id, labels, priority DESC, ready_at, task_run_id) WHERE state = 'READY' AND NOT paused;
CREATE INDEX dispatch_waiting ON dispatch (partition, ready_at) WHERE state = 'RETRY_WAIT' AND NOT paused;
CREATE INDEX dispatch_stopping ON dispatch (executor_id) WHERE stop_requested;
CREATE INDEX dispatch_held ON dispatch (executor_id, state) WHERE executor_id IS NOT NULL;
CREATE INDEX dispatch_pinned ON dispatch (pinned_to) WHERE pinned_to IS NOT NULL;
CREATE INDEX dispatch_approvals ON dispatch (tenant_id, task_run_id) WHERE hold = 'APPROVAL';
COMMENT ON TABLE dispatch IS 'The live task runs in brief: all that a scheduler looks at. A row leaves when its task run ends, so the table is as small as the work at hand.';
COMMENT ON COLUMN dispatch.tenant_id IS 'The owner.';
COMMENT ON COLUMN dispatch.task_run_id IS 'The task run.';
COMMENT ON COLUMN dispatch.partition IS 'The tenant''s partition.';
COMMENT ON COLUMN dispatch.run_id IS 'The run.';
COMMENT ON COLUMN dispatch.version_id IS 'The workflow version.';
COMMENT ON COLUMN dispatch.node IS 'The place of the node in the version''s definition.';
COMMENT ON COLUMN dispatch.state IS 'A TaskRunState: READY, ASSIGNED, RUNNING or RETRY_WAIT.';
COMMENT ON COLUMN dispatch.priority IS '0 (last) to 9 (first).';
COMMENT ON COLUMN dispatch.cost IS 'How many slots it takes while it runs.';
COMMENT ON COLUMN dispatch.labels IS 'What an executor must offer, sorted.';
COMMENT ON COLUMN dispatch.ready_at IS 'Since when it could run; in RETRY_WAIT, when it will.';
COMMENT ON COLUMN dispatch.fence IS 'The number of the latest attempt; 0 before the first.';
COMMENT ON COLUMN dispatch.failures IS 'How many attempts failed.';
COMMENT ON COLUMN dispatch.faults IS 'How many attempts ended in a fault.';
COMMENT ON COLUMN dispatch.stop_requested IS 'Its executor is to stop it.';
COMMENT ON COLUMN dispatch.stop_at_once IS 'Its executor is to leave it no grace.';
COMMENT ON COLUMN dispatch.paused IS 'Its run is paused, so it does not start.';
COMMENT ON COLUMN dispatch.hold IS 'Why it is in the service''s own hands and runs on no executor: it waits for its ITEMS, for its RUN, for an APPROVAL, for what it WAITs for, or for the CALLBACK of an endpoint that its executor has called.';
COMMENT ON COLUMN dispatch.item IS 'The place of its share, when it is one of an item, shard or executor.';
COMMENT ON COLUMN dispatch.pinned_to IS 'The key of the executor that its share was dealt to.';
COMMENT ON COLUMN dispatch.begun_at IS 'When its first attempt started.';
COMMENT ON COLUMN dispatch.executor_id IS 'The owner of the attempt under way.';
COMMENT ON COLUMN dispatch.assigned_at IS 'When that executor was chosen.';
COMMENT ON COLUMN dispatch.started_at IS 'When that executor started it.';
SELECT keep_tenant_alone('dispatch');
GRANT SELECT, INSERT, UPDATE, DELETE ON dispatch TO waterclock_api, waterclock_engine;
