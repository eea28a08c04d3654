-- A table of its own, so that nothing that reads triggers can come to hold a secret.
CREATE TABLE webhook_secrets (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    trigger_id uuid NOT NULL,
    secret text NOT NULL,
    valid_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT webhook_secrets_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT webhook_secret_goes_with_its_trigger FOREIGN KEY (tenant_id, trigger_id)
        REFERENCES triggers (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX webhook_secrets_of_trigger ON webhook_secrets (tenant_id, trigger_id);
CREATE UNIQUE INDEX webhook_secrets_current ON webhook_secrets (tenant_id, trigger_id) WHERE valid_until IS NULL;
COMMENT ON TABLE webhook_secrets IS 'What deliveries to the webhooks of triggers are signed with.';
COMMENT ON COLUMN webhook_secrets.tenant_id IS 'The owner.';
COMMENT ON COLUMN webhook_secrets.id IS 'Names the secret.';
COMMENT ON COLUMN webhook_secrets.trigger_id IS 'The trigger.';
COMMENT ON COLUMN webhook_secrets.secret IS 'The secret as it is: a signature is checked by making it anew.';
COMMENT ON COLUMN webhook_secrets.valid_until IS 'Until when it is taken, once another has come in its place.';
COMMENT ON COLUMN webhook_secrets.created_at IS 'When it was made.';
SELECT keep_tenant_alone('webhook_secrets');
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_secrets TO waterclock_api;
