CREATE TABLE idempotency_keys (
    tenant_id uuid NOT NULL,
    mutation text NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,
    object_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT present(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, mutation, key),
    CONSTRAINT idempotency_key_has_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
COMMENT ON TABLE idempotency_keys IS 'What creating mutations made, so that the same call made again answers the same.';
COMMENT ON COLUMN idempotency_keys.tenant_id IS 'The owner.';
COMMENT ON COLUMN idempotency_keys.mutation IS 'The mutation.';
COMMENT ON COLUMN idempotency_keys.key IS 'What the caller named the call.';
COMMENT ON COLUMN idempotency_keys.request IS 'The SHA-256 of the input; another input under the same key is refused.';
COMMENT ON COLUMN idempotency_keys.object_id IS 'What was made.';
COMMENT ON COLUMN idempotency_keys.created_at IS 'When; a key is forgotten after seven days.';
SELECT keep_tenant_alone('idempotency_keys');
GRANT SELECT, INSERT ON idempotency_keys TO waterclock_api;
GRANT SELECT, INSERT, DELETE ON idempotency_keys TO waterclock_engine;
