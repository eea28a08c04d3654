CREATE TABLE alerts (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    rule_id uuid NOT NULL,
    rule_key text NOT NULL,
    kind text NOT NULL,
    severity text NOT NULL,
    group_key text NOT NULL,
    workflow_id uuid,
    run_id uuid,
    task_run_id uuid,
    executor_id uuid,
    message text NOT NULL,
    count integer NOT NULL,
    cause_seq bigint NOT NULL,
    silence_id uuid,
    raised_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    resolved_at timestamptz,
    CONSTRAINT alerts_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT alert_severity_is_known CHECK (severity IN ('INFO', 'WARNING', 'CRITICAL')),
    CONSTRAINT alert_has_a_cause CHECK (count > 0)
);
CREATE INDEX alerts_open ON alerts (tenant_id, rule_id, group_key, id) WHERE resolved_at IS NULL;
CREATE INDEX alerts_of_workflow ON alerts (tenant_id, workflow_id, id) WHERE workflow_id IS NOT NULL;
COMMENT ON TABLE alerts IS 'What rules had to say. A rule may be gone; what it said stays.';
COMMENT ON COLUMN alerts.tenant_id IS 'The owner.';
COMMENT ON COLUMN alerts.id IS 'Names the alert; sorts by when it was raised.';
COMMENT ON COLUMN alerts.rule_id IS 'The rule.';
COMMENT ON COLUMN alerts.rule_key IS 'The rule''s key then.';
COMMENT ON COLUMN alerts.kind IS 'An AlertKind: of what the rule spoke.';
COMMENT ON COLUMN alerts.severity IS 'How bad the rule says it is.';
COMMENT ON COLUMN alerts.group_key IS 'What causes are alike: those of one workflow, of one executor.';
COMMENT ON COLUMN alerts.workflow_id IS 'The workflow it is about.';
COMMENT ON COLUMN alerts.run_id IS 'The run that caused it first.';
COMMENT ON COLUMN alerts.task_run_id IS 'The task run that caused it first.';
COMMENT ON COLUMN alerts.executor_id IS 'The executor it is about.';
COMMENT ON COLUMN alerts.message IS 'What happened, where and on what, in a sentence.';
COMMENT ON COLUMN alerts.count IS 'How many causes it stands for.';
COMMENT ON COLUMN alerts.cause_seq IS 'The number of the event up to which the log had been read when it was raised.';
COMMENT ON COLUMN alerts.silence_id IS 'The silence that kept it from being delivered.';
COMMENT ON COLUMN alerts.raised_at IS 'When its first cause happened.';
COMMENT ON COLUMN alerts.last_at IS 'When its last cause happened.';
COMMENT ON COLUMN alerts.resolved_at IS 'When what it is about was well again.';

CREATE TABLE alert_causes (
    tenant_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    cause text NOT NULL,
    group_key text NOT NULL,
    alert_id uuid,
    at timestamptz NOT NULL,
    CONSTRAINT alert_causes_pkey PRIMARY KEY (tenant_id, rule_id, cause)
);
CREATE INDEX alert_causes_pending ON alert_causes (tenant_id, rule_id, group_key, at) WHERE alert_id IS NULL;
COMMENT ON TABLE alert_causes IS 'What a rule has taken note of: each cause once, whether or not it was reason enough to speak.';
COMMENT ON COLUMN alert_causes.tenant_id IS 'The owner.';
COMMENT ON COLUMN alert_causes.rule_id IS 'The rule.';
COMMENT ON COLUMN alert_causes.cause IS 'Names what happened: an event, a task run that waits, a run that takes long.';
COMMENT ON COLUMN alert_causes.group_key IS 'What it is alike with.';
COMMENT ON COLUMN alert_causes.alert_id IS 'The alert that stands for it; absent while it was not reason enough.';
COMMENT ON COLUMN alert_causes.at IS 'When it happened.';

CREATE TABLE alert_progress (
    single boolean NOT NULL DEFAULT true,
    read_until bigint NOT NULL,
    checked_at timestamptz NOT NULL,
    CONSTRAINT alert_progress_pkey PRIMARY KEY (single),
    CONSTRAINT alert_progress_is_one_row CHECK (single)
) WITH (fillfactor = 50);
COMMENT ON TABLE alert_progress IS 'How far rules have looked. One row.';
COMMENT ON COLUMN alert_progress.single IS 'Always true.';
COMMENT ON COLUMN alert_progress.read_until IS 'The number of the event up to which rules have read the log.';
COMMENT ON COLUMN alert_progress.checked_at IS 'The instant up to which what takes long has been looked for.';
INSERT INTO alert_progress (read_until, checked_at)
SELECT CASE WHEN is_called THEN last_value ELSE 0 END, present() FROM events_seq_seq;

SELECT keep_tenant_alone('alerts'), keep_tenant_alone('alert_causes');
GRANT SELECT ON alerts TO waterclock_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON alerts, alert_causes TO waterclock_engine;
GRANT SELECT, UPDATE ON alert_progress TO waterclock_engine;
