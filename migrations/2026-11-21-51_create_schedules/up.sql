CREATE TABLE schedules (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    key text NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    description text NOT NULL DEFAULT '',
    workflow_id uuid NOT NULL,
    calendars text[] NOT NULL,
    spec jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT present(),
    updated_at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT schedules_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT schedule_has_a_workflow FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows (tenant_id, id),
    CONSTRAINT schedule_key_is_unique UNIQUE (tenant_id, key)
);
CREATE INDEX schedules_of_workflow ON schedules (tenant_id, workflow_id, key);
CREATE INDEX schedules_of_calendar ON schedules USING gin (calendars);
COMMENT ON TABLE schedules IS 'When workflows are to run, as people wrote it.';
COMMENT ON COLUMN schedules.tenant_id IS 'The owner.';
COMMENT ON COLUMN schedules.id IS 'Names the schedule for good.';
COMMENT ON COLUMN schedules.key IS 'The schedule''s name among people, unique within the tenant.';
COMMENT ON COLUMN schedules.revision IS 'Rises with every edit; an edit names the revision that it was made from.';
COMMENT ON COLUMN schedules.description IS 'What it is for.';
COMMENT ON COLUMN schedules.workflow_id IS 'The workflow that it starts.';
COMMENT ON COLUMN schedules.calendars IS 'The keys of the calendars that it keeps to.';
COMMENT ON COLUMN schedules.spec IS 'A ScheduleSpec without its workflow: timing, policies, inputs.';
COMMENT ON COLUMN schedules.created_at IS 'When it was registered.';
COMMENT ON COLUMN schedules.updated_at IS 'When it was last edited.';
SELECT keep_tenant_alone('schedules');
GRANT SELECT, INSERT, UPDATE, DELETE ON schedules TO waterclock_api;
GRANT SELECT ON schedules TO waterclock_engine;

-- What a pass writes is apart from what people wrote: these rows are small, and are rewritten at every occurrence.
CREATE TABLE schedule_states (
    tenant_id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    partition smallint NOT NULL,
    state text NOT NULL,
    state_reason text,
    changed_at timestamptz NOT NULL,
    changed_by text,
    plan_revision integer NOT NULL DEFAULT 1,
    settled_until timestamptz NOT NULL,
    follows timestamptz,
    next_due timestamptz,
    waiting integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    follows_runs boolean NOT NULL DEFAULT false,
    most_failures integer,
    CONSTRAINT schedule_states_pkey PRIMARY KEY (tenant_id, schedule_id),
    CONSTRAINT schedule_state_goes_with_its_schedule FOREIGN KEY (tenant_id, schedule_id)
        REFERENCES schedules (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT schedule_state_is_known CHECK (state IN ('STOPPED', 'ACTIVE', 'PAUSED', 'FINISHED')),
    CONSTRAINT schedule_counts_from_nothing CHECK (waiting >= 0 AND failures >= 0)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX schedule_states_due ON schedule_states (partition, next_due) WHERE next_due IS NOT NULL;
COMMENT ON TABLE schedule_states IS 'How far each schedule has come, and when a scheduler is to look at it next.';
COMMENT ON COLUMN schedule_states.tenant_id IS 'The owner.';
COMMENT ON COLUMN schedule_states.schedule_id IS 'The schedule.';
COMMENT ON COLUMN schedule_states.partition IS 'The tenant''s partition.';
COMMENT ON COLUMN schedule_states.state IS 'A ScheduleState.';
COMMENT ON COLUMN schedule_states.state_reason IS 'Why it is in that state, in a sentence.';
COMMENT ON COLUMN schedule_states.changed_at IS 'Since when it is in that state.';
COMMENT ON COLUMN schedule_states.changed_by IS 'The subject of the token that brought it there; nobody when its own rules did.';
COMMENT ON COLUMN schedule_states.plan_revision IS 'Rises with every edit of the schedule, and of a calendar that it keeps to.';
COMMENT ON COLUMN schedule_states.settled_until IS 'Every occurrence that was due until then is a row; none after it is.';
COMMENT ON COLUMN schedule_states.follows IS 'With a fixed delay: the end of a run from which the next occurrence is counted.';
COMMENT ON COLUMN schedule_states.next_due IS 'When it is to be looked at; nothing is to be done before.';
COMMENT ON COLUMN schedule_states.waiting IS 'How many of its occurrences wait to start.';
COMMENT ON COLUMN schedule_states.failures IS 'How many of its runs in a row ended without success.';
COMMENT ON COLUMN schedule_states.follows_runs IS 'Its occurrences follow the ends of runs.';
COMMENT ON COLUMN schedule_states.most_failures IS 'After so many runs in a row that ended without success it pauses.';
SELECT keep_tenant_alone('schedule_states');
GRANT SELECT, INSERT, UPDATE ON schedule_states TO waterclock_api;
GRANT SELECT, UPDATE ON schedule_states TO waterclock_engine;
