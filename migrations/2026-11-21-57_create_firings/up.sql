-- Whatever causes a firing writes it in its own transaction, and a scheduler decides about it later. The key by trigger and cause is
-- what keeps one cause from firing twice, so a row stays when it was decided, and when its trigger was deleted.
CREATE TABLE firings (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    trigger_id uuid NOT NULL,
    partition smallint NOT NULL,
    cause text NOT NULL,
    facts jsonb NOT NULL,
    outcome text NOT NULL,
    reason text,
    run_id uuid,
    caused_at timestamptz NOT NULL,
    decided_at timestamptz,
    CONSTRAINT firings_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT firing_is_unique UNIQUE (tenant_id, trigger_id, cause),
    CONSTRAINT firing_outcome_is_known CHECK (
        outcome IN ('PENDING', 'FIRED', 'FILTERED', 'PAUSED', 'REJECTED', 'REJECTED_QUOTA')),
    CONSTRAINT firing_is_decided_at_an_instant CHECK ((outcome = 'PENDING') = (decided_at IS NULL)),
    CONSTRAINT firing_that_fired_has_a_run CHECK ((outcome = 'FIRED') = (run_id IS NOT NULL)),
    CONSTRAINT firing_says_why CHECK (outcome IN ('PENDING', 'FIRED') OR reason IS NOT NULL)
) WITH (fillfactor = 90);
CREATE INDEX firings_pending ON firings (partition, id) WHERE outcome = 'PENDING';
CREATE INDEX firings_of_trigger ON firings (tenant_id, trigger_id, id);
CREATE INDEX firings_of_run ON firings (tenant_id, run_id) WHERE run_id IS NOT NULL;
COMMENT ON TABLE firings IS 'What became of everything that a trigger waits for.';
COMMENT ON COLUMN firings.tenant_id IS 'The owner.';
COMMENT ON COLUMN firings.id IS 'Names the firing; sorts by when it was caused.';
COMMENT ON COLUMN firings.trigger_id IS 'The trigger, which may be deleted since.';
COMMENT ON COLUMN firings.partition IS 'The tenant''s partition.';
COMMENT ON COLUMN firings.cause IS 'What caused it. With the trigger, it is the firing.';
COMMENT ON COLUMN firings.facts IS 'What the trigger''s expressions read of it: FiringFacts.';
COMMENT ON COLUMN firings.outcome IS 'A FiringOutcome.';
COMMENT ON COLUMN firings.reason IS 'Why, in a sentence.';
COMMENT ON COLUMN firings.run_id IS 'The run that it started.';
COMMENT ON COLUMN firings.caused_at IS 'When its cause happened.';
COMMENT ON COLUMN firings.decided_at IS 'When its outcome was decided.';
SELECT keep_tenant_alone('firings');
GRANT SELECT, INSERT, UPDATE ON firings TO waterclock_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON firings TO waterclock_engine;
