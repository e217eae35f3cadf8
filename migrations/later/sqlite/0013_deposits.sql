-- Deposits of releases in repositories: a queue of its own. What was drafted there is kept at once, so that another attempt goes on with it.
CREATE TABLE deposits (
    id         BLOB PRIMARY KEY,
    tenant_id  BLOB NOT NULL REFERENCES tenants (id),
    release_id BLOB NOT NULL REFERENCES releases (id),
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
    attempts   INTEGER NOT NULL,
    percent    INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    leased_until INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at   INTEGER
) STRICT;
CREATE INDEX deposits_due ON deposits (due_at) WHERE state = 'pending';
CREATE INDEX deposits_of_release ON deposits (release_id, id);
