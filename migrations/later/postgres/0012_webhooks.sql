-- Webhooks: whom a tenant's stewards want told of what, and what was told.

-- No secret stands here: it follows from a key of the data directory, the id and the generation.
CREATE TABLE webhooks (
    id         UUID PRIMARY KEY,
    tenant_id  UUID NOT NULL REFERENCES tenants (id),
    url        TEXT NOT NULL,
    -- Kinds of events, JSON.
    events     TEXT NOT NULL,
    -- Why nothing is sent; none while it is sent to.
    paused     TEXT CHECK (paused IN ('steward', 'receiver')),
    generation BIGINT NOT NULL,
    -- Until when messages are signed with the secret before, too.
    both_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX webhooks_of_tenant ON webhooks (tenant_id, id);

-- Messages, written with what they tell. One that is not ended is sent when it is due; a claim moves that on, as a lease.
CREATE TABLE deliveries (
    id         UUID PRIMARY KEY,
    webhook_id UUID NOT NULL REFERENCES webhooks (id),
    event      TEXT NOT NULL,
    body       TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts   BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    -- Until when the server that sends it has it.
    leased_until BIGINT NOT NULL,
    -- The status that the receiver answered last, or why there is none.
    status     BIGINT,
    failure    TEXT,
    created_at BIGINT NOT NULL,
    ended_at   BIGINT
);
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state = 'pending';
CREATE INDEX deliveries_of_webhook ON deliveries (webhook_id, id);
