-- Deposits of releases in repositories: a queue of its own. What was drafted there is kept at once, so that another attempt goes on with it.
CREATE TABLE deposits (
    id         UUID PRIMARY KEY,
    tenant_id  UUID NOT NULL REFERENCES tenants (id),
    release_id UUID NOT NULL REFERENCES releases (id),
    -- Its name in the settings.
    repository TEXT NOT NULL,
    -- The repository's id of the deposit of which this is a new version.
    previous   TEXT,
    state      TEXT NOT NULL CHECK (state IN ('pending', 'deposited', 'failed')),
    draft      TEXT,
    -- The repository's id, the persistent identifier and the landing page, once it is deposited.
    remote     TEXT,
    identifier TEXT,
    page       TEXT,
    problem    TEXT,
    attempts   BIGINT NOT NULL,
    percent    BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at   BIGINT
);
CREATE INDEX deposits_due ON deposits (due_at) WHERE state = 'pending';
CREATE INDEX deposits_of_release ON deposits (release_id, id);
