-- Only runs whose end matters to somebody have a row, so that the ends of all others cost one look into a small index.
CREATE TABLE watched_runs (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    partition smallint NOT NULL,
    workflow_id uuid NOT NULL,
    schedule_id uuid,
    overlap_key text,
    backfill_id uuid,
    ended_as text,
    ended_at timestamptz,
    CONSTRAINT watched_runs_pkey PRIMARY KEY (tenant_id, run_id),
    CONSTRAINT watched_run_ends_as_something CHECK ((ended_as IS NULL) = (ended_at IS NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX watched_runs_of_workflow ON watched_runs (tenant_id, workflow_id) WHERE ended_as IS NULL;
CREATE INDEX watched_runs_of_schedule ON watched_runs (tenant_id, schedule_id) WHERE ended_as IS NULL;
CREATE INDEX watched_runs_of_key ON watched_runs (tenant_id, overlap_key) WHERE ended_as IS NULL AND overlap_key IS NOT NULL;
CREATE INDEX watched_runs_ended ON watched_runs (partition, ended_at) WHERE ended_as IS NOT NULL;
COMMENT ON TABLE watched_runs IS 'The live runs whose end a schedule or a trigger waits for. A scheduler takes a row away once it has acted on the end.';
COMMENT ON COLUMN watched_runs.tenant_id IS 'The owner.';
COMMENT ON COLUMN watched_runs.run_id IS 'The run.';
COMMENT ON COLUMN watched_runs.partition IS 'The tenant''s partition.';
COMMENT ON COLUMN watched_runs.workflow_id IS 'The run''s workflow.';
COMMENT ON COLUMN watched_runs.schedule_id IS 'The schedule that started it for an occurrence that was due; none for a backfill.';
COMMENT ON COLUMN watched_runs.overlap_key IS 'The key under which it may not overlap with others.';
COMMENT ON COLUMN watched_runs.backfill_id IS 'The backfill that started it.';
COMMENT ON COLUMN watched_runs.ended_as IS 'The RunState that it ended in.';
COMMENT ON COLUMN watched_runs.ended_at IS 'When it ended.';
SELECT keep_tenant_alone('watched_runs');
GRANT SELECT, INSERT, UPDATE ON watched_runs TO waterclock_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON watched_runs TO waterclock_engine;

CREATE TABLE workflow_watchers (
    tenant_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    watcher_id uuid NOT NULL,
    CONSTRAINT workflow_watchers_pkey PRIMARY KEY (tenant_id, workflow_id, watcher_id)
);
COMMENT ON TABLE workflow_watchers IS 'The workflows all of whose runs are watched, and for whom.';
COMMENT ON COLUMN workflow_watchers.tenant_id IS 'The owner.';
COMMENT ON COLUMN workflow_watchers.workflow_id IS 'The workflow.';
COMMENT ON COLUMN workflow_watchers.watcher_id IS 'The schedule or the trigger.';
SELECT keep_tenant_alone('workflow_watchers');
GRANT SELECT, INSERT, DELETE ON workflow_watchers TO waterclock_api;
GRANT SELECT ON workflow_watchers TO waterclock_engine;
