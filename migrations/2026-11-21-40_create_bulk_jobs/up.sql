CREATE TABLE bulk_jobs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    action jsonb NOT NULL,
    filter jsonb NOT NULL,
    state text NOT NULL DEFAULT 'QUEUED',
    state_reason text,
    matched integer NOT NULL,
    matches_more boolean NOT NULL,
    succeeded integer NOT NULL DEFAULT 0,
    refused integer NOT NULL DEFAULT 0,
    looked_until uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    turn_at timestamptz NOT NULL DEFAULT present(),
    created_by text NOT NULL,
    cancelled_by text,
    created_at timestamptz NOT NULL DEFAULT present(),
    started_at timestamptz,
    finished_at timestamptz,
    CONSTRAINT bulk_jobs_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT bulk_job_has_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT bulk_job_state_is_known CHECK (state IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    CONSTRAINT bulk_job_is_finished_when_it_ended CHECK ((finished_at IS NULL) = (state IN ('QUEUED', 'RUNNING')))
) WITH (fillfactor = 50);
CREATE INDEX bulk_jobs_open ON bulk_jobs (tenant_id, turn_at) WHERE finished_at IS NULL;
COMMENT ON TABLE bulk_jobs IS 'What is done to many runs, one after the other.';
COMMENT ON COLUMN bulk_jobs.tenant_id IS 'The owner.';
COMMENT ON COLUMN bulk_jobs.id IS 'Names the job; sorts by creation.';
COMMENT ON COLUMN bulk_jobs.action IS 'A BulkAction: what is done to each run.';
COMMENT ON COLUMN bulk_jobs.filter IS 'A RunFilter: which runs are meant, of those that were there when the job was made.';
COMMENT ON COLUMN bulk_jobs.state IS 'A BulkJobState.';
COMMENT ON COLUMN bulk_jobs.state_reason IS 'Why it failed, in a sentence.';
COMMENT ON COLUMN bulk_jobs.matched IS 'How many runs matched when it was made, as far as was counted.';
COMMENT ON COLUMN bulk_jobs.matches_more IS 'Not all runs were counted.';
COMMENT ON COLUMN bulk_jobs.succeeded IS 'To how many runs it was done.';
COMMENT ON COLUMN bulk_jobs.refused IS 'How many runs refused it.';
COMMENT ON COLUMN bulk_jobs.looked_until IS 'The last run that was looked at; runs are looked at in the order of their ids.';
COMMENT ON COLUMN bulk_jobs.turn_at IS 'When it last had its turn; jobs take turns.';
COMMENT ON COLUMN bulk_jobs.created_by IS 'The subject of the token that asked for it; it is done on their behalf.';
COMMENT ON COLUMN bulk_jobs.cancelled_by IS 'The subject of the token that cancelled it.';
COMMENT ON COLUMN bulk_jobs.created_at IS 'When it was made.';
COMMENT ON COLUMN bulk_jobs.started_at IS 'When it had its first turn.';
COMMENT ON COLUMN bulk_jobs.finished_at IS 'When it ended.';

CREATE TABLE bulk_refusals (
    tenant_id uuid NOT NULL,
    job_id uuid NOT NULL,
    run_id uuid NOT NULL,
    code text NOT NULL,
    message text NOT NULL,
    CONSTRAINT bulk_refusals_pkey PRIMARY KEY (tenant_id, job_id, run_id),
    CONSTRAINT bulk_refusal_has_a_job FOREIGN KEY (tenant_id, job_id) REFERENCES bulk_jobs (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE bulk_refusals IS 'The runs that refused what a bulk job was to do to them, the first of each job.';
COMMENT ON COLUMN bulk_refusals.tenant_id IS 'The owner.';
COMMENT ON COLUMN bulk_refusals.job_id IS 'The job.';
COMMENT ON COLUMN bulk_refusals.run_id IS 'The run.';
COMMENT ON COLUMN bulk_refusals.code IS 'What was wrong, for programs.';
COMMENT ON COLUMN bulk_refusals.message IS 'What was wrong, in a sentence.';

SELECT keep_tenant_alone('bulk_jobs'), keep_tenant_alone('bulk_refusals');
GRANT SELECT, INSERT, UPDATE ON bulk_jobs TO waterclock_api;
GRANT SELECT ON bulk_refusals TO waterclock_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON bulk_jobs, bulk_refusals TO waterclock_engine;
