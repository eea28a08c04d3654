CREATE TABLE alert_deliveries (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    alert_id uuid,
    channel_id uuid NOT NULL,
    body jsonb NOT NULL,
    state text NOT NULL DEFAULT 'PENDING',
    fence integer NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    log jsonb NOT NULL DEFAULT '[]',
    next_at timestamptz NOT NULL DEFAULT present(),
    created_at timestamptz NOT NULL DEFAULT present(),
    finished_at timestamptz,
    CONSTRAINT alert_deliveries_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT delivery_state_is_known CHECK (state IN ('PENDING', 'DELIVERED', 'FAILED')),
    CONSTRAINT delivery_is_finished_when_it_ended CHECK ((finished_at IS NULL) = (state = 'PENDING'))
) WITH (fillfactor = 70);
CREATE INDEX alert_deliveries_due ON alert_deliveries (tenant_id, next_at) WHERE state = 'PENDING';
CREATE INDEX alert_deliveries_by_due ON alert_deliveries (next_at) WHERE state = 'PENDING';
CREATE INDEX alert_deliveries_of_alert ON alert_deliveries (tenant_id, alert_id, id);
COMMENT ON TABLE alert_deliveries IS 'Alerts on their way, and those that have arrived or never did.';
COMMENT ON COLUMN alert_deliveries.tenant_id IS 'The owner.';
COMMENT ON COLUMN alert_deliveries.id IS 'Names the delivery; every try of it bears this name, so that a receiver can tell.';
COMMENT ON COLUMN alert_deliveries.alert_id IS 'The alert; absent when somebody only tries the channel.';
COMMENT ON COLUMN alert_deliveries.channel_id IS 'Where it goes.';
COMMENT ON COLUMN alert_deliveries.body IS 'What is delivered, the same with every try.';
COMMENT ON COLUMN alert_deliveries.state IS 'A DeliveryState.';
COMMENT ON COLUMN alert_deliveries.fence IS 'The number of the latest claim; whoever records what became of a try presents it.';
COMMENT ON COLUMN alert_deliveries.tries IS 'How often it was tried since it was last sent off.';
COMMENT ON COLUMN alert_deliveries.log IS 'What became of its latest tries, in order: an array of Try.';
COMMENT ON COLUMN alert_deliveries.next_at IS 'When it is tried next. Whoever claims it moves this to where the claim ends.';
COMMENT ON COLUMN alert_deliveries.created_at IS 'When it was made.';
COMMENT ON COLUMN alert_deliveries.finished_at IS 'When it arrived or was given up.';
SELECT keep_tenant_alone('alert_deliveries');
GRANT SELECT, INSERT, UPDATE ON alert_deliveries TO waterclock_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON alert_deliveries TO waterclock_engine;
