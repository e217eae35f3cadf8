-- Webhooks: whom a tenant's stewards want told of what, and what was told.

-- No secret stands here: it follows from a key of the data directory, the id and the generation.
CREATE TABLE webhooks (
    id         BLOB PRIMARY KEY,
    tenant_id  BLOB NOT NULL REFERENCES tenants (id),
    url        TEXT NOT NULL,
    -- Kinds of events, JSON.
    events     TEXT NOT NULL,
    -- Why nothing is sent; none while it is sent to.
    paused     TEXT CHECK (paused IN ('steward', 'receiver')),
    generation INTEGER NOT NULL,
    -- Until when messages are signed with the secret before, too.
    both_until INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX webhooks_of_tenant ON webhooks (tenant_id, id);

-- Messages, written with what they tell. One that is not ended is sent when it is due; a claim moves that on, as a lease.
CREATE TABLE deliveries (
    id         BLOB PRIMARY KEY,
    webhook_id BLOB NOT NULL REFERENCES webhooks (id),
    event      TEXT NOT NULL,
    body       TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts   INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    -- Until when the server that sends it has it.
    leased_until INTEGER NOT NULL,
    -- The status that the receiver answered last, or why there is none.
    status     INTEGER,
    failure    TEXT,
    created_at INTEGER NOT NULL,
    ended_at   INTEGER
) STRICT;
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state = 'pending';
CREATE INDEX deliveries_of_webhook ON deliveries (webhook_id, id);
