CREATE TABLE silences (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    rule_id uuid,
    workflow_id uuid,
    reason text NOT NULL,
    created_by text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    ended_by text,
    created_at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT silences_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT silence_has_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT silence_ends_after_it_starts CHECK (ends_at >= starts_at)
);
CREATE INDEX silences_by_end ON silences (tenant_id, ends_at);
COMMENT ON TABLE silences IS 'Spans of time in which alerts are recorded and not delivered.';
COMMENT ON COLUMN silences.tenant_id IS 'The owner.';
COMMENT ON COLUMN silences.id IS 'Names the silence; sorts by creation.';
COMMENT ON COLUMN silences.rule_id IS 'The rule whose alerts it covers; those of all rules when absent.';
COMMENT ON COLUMN silences.workflow_id IS 'The workflow about which alerts are covered; those about anything when absent.';
COMMENT ON COLUMN silences.reason IS 'Why, in the words of whoever made it.';
COMMENT ON COLUMN silences.created_by IS 'The subject of the token that made it.';
COMMENT ON COLUMN silences.starts_at IS 'From when on it covers.';
COMMENT ON COLUMN silences.ends_at IS 'From when on it covers no more.';
COMMENT ON COLUMN silences.ended_by IS 'The subject of the token that ended it before its time.';
COMMENT ON COLUMN silences.created_at IS 'When it was made.';
SELECT keep_tenant_alone('silences');
GRANT SELECT, INSERT, UPDATE ON silences TO waterclock_api;
GRANT SELECT ON silences TO waterclock_engine;
