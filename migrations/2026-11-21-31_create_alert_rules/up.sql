CREATE TABLE alert_rules (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    key text NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    description text NOT NULL DEFAULT '',
    spec jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT present(),
    updated_at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT alert_rules_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT alert_rule_has_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT alert_rule_key_is_unique UNIQUE (tenant_id, key)
);
COMMENT ON TABLE alert_rules IS 'What somebody wants to be told of, and through which channels.';
COMMENT ON COLUMN alert_rules.tenant_id IS 'The owner.';
COMMENT ON COLUMN alert_rules.id IS 'Names the rule for good.';
COMMENT ON COLUMN alert_rules.key IS 'The rule''s name among people, unique within the tenant.';
COMMENT ON COLUMN alert_rules.revision IS 'Rises with every edit; an edit names the revision that it was made from.';
COMMENT ON COLUMN alert_rules.description IS 'What it is for.';
COMMENT ON COLUMN alert_rules.spec IS 'An AlertRuleSpec: scope, condition, severity, channels, whether it is enabled, and how long alerts fold.';
COMMENT ON COLUMN alert_rules.created_at IS 'When it was registered; it speaks of nothing from before.';
COMMENT ON COLUMN alert_rules.updated_at IS 'When it was last edited.';
SELECT keep_tenant_alone('alert_rules');
GRANT SELECT, INSERT, UPDATE, DELETE ON alert_rules TO waterclock_api;
GRANT SELECT ON alert_rules TO waterclock_engine;
