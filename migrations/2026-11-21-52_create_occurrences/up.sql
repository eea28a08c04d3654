CREATE TABLE occurrences (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    nominal timestamptz NOT NULL,
    due timestamptz NOT NULL,
    outcome text NOT NULL,
    reason text,
    before_backfill text,
    notes text[] NOT NULL,
    run_id uuid,
    manual boolean NOT NULL DEFAULT false,
    inputs jsonb,
    stands_for bigint NOT NULL DEFAULT 1,
    oldest timestamptz,
    waits_in text,
    decided_at timestamptz NOT NULL,
    CONSTRAINT occurrences_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT occurrence_is_unique UNIQUE (tenant_id, schedule_id, nominal),
    CONSTRAINT occurrence_outcome_is_known CHECK (outcome IN (
        'WAITING', 'FIRED', 'SKIPPED_OVERLAP', 'COALESCED', 'SKIPPED_CALENDAR', 'MISSED', 'EXPIRED', 'PAUSED', 'BACKFILLED',
        'REJECTED', 'REJECTED_QUOTA')),
    CONSTRAINT occurrence_waits_somewhere CHECK ((outcome = 'WAITING') = (waits_in IS NOT NULL)),
    CONSTRAINT occurrence_that_ran_has_a_run CHECK ((outcome IN ('FIRED', 'BACKFILLED')) = (run_id IS NOT NULL)),
    CONSTRAINT occurrence_says_why CHECK (outcome = 'FIRED' OR reason IS NOT NULL)
) WITH (fillfactor = 90);
CREATE INDEX occurrences_waiting ON occurrences (tenant_id, waits_in, due) WHERE waits_in IS NOT NULL;
CREATE INDEX occurrences_waiting_of_schedule ON occurrences (tenant_id, schedule_id, due) WHERE waits_in IS NOT NULL;
CREATE INDEX occurrences_of_run ON occurrences (tenant_id, run_id) WHERE run_id IS NOT NULL;
COMMENT ON TABLE occurrences IS 'What became of every instant that a schedule named.';
COMMENT ON COLUMN occurrences.tenant_id IS 'The owner.';
COMMENT ON COLUMN occurrences.id IS 'Names the occurrence; sorts by when it was first recorded.';
COMMENT ON COLUMN occurrences.schedule_id IS 'The schedule.';
COMMENT ON COLUMN occurrences.nominal IS 'The instant that the rule names. With the schedule, it is the occurrence.';
COMMENT ON COLUMN occurrences.due IS 'When it was to start, after calendars and jitter.';
COMMENT ON COLUMN occurrences.outcome IS 'An OccurrenceOutcome.';
COMMENT ON COLUMN occurrences.reason IS 'Why, in a sentence.';
COMMENT ON COLUMN occurrences.before_backfill IS 'What had become of it before a backfill first ran it: the outcome and the reason.';
COMMENT ON COLUMN occurrences.notes IS 'What was done to it on the way: Notes.';
COMMENT ON COLUMN occurrences.run_id IS 'Its run; the last one when it was run again.';
COMMENT ON COLUMN occurrences.manual IS 'Somebody asked for it; the rule did not name it.';
COMMENT ON COLUMN occurrences.inputs IS 'What whoever asked for it gives its run, beside what the schedule does.';
COMMENT ON COLUMN occurrences.stands_for IS 'How many occurrences the row stands for, all with the same outcome, when there were too many for a row each.';
COMMENT ON COLUMN occurrences.oldest IS 'The instant of the oldest of them.';
COMMENT ON COLUMN occurrences.waits_in IS 'While it waits: among which runs it waits for its turn, as watched_runs can be asked for.';
COMMENT ON COLUMN occurrences.decided_at IS 'When its outcome was decided.';
SELECT keep_tenant_alone('occurrences');
GRANT SELECT, INSERT, UPDATE ON occurrences TO waterclock_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON occurrences TO waterclock_engine;
