-- The service's tables. Times are microseconds since 1970; ρ counts 10⁻¹², δ′ counts 10⁻¹⁸; JSON is text.

CREATE TABLE tenants (
    id             BLOB PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    cap_rho        INTEGER NOT NULL,
    spent_rho      INTEGER NOT NULL DEFAULT 0,
    reserved_rho   INTEGER NOT NULL DEFAULT 0,
    cap_delta      INTEGER NOT NULL,
    spent_delta    INTEGER NOT NULL DEFAULT 0,
    reserved_delta INTEGER NOT NULL DEFAULT 0,
    created_at     INTEGER NOT NULL,
    CONSTRAINT tenant_budget CHECK (
        spent_rho >= 0 AND reserved_rho >= 0 AND spent_rho + reserved_rho <= cap_rho
        AND spent_delta >= 0 AND reserved_delta >= 0 AND spent_delta + reserved_delta <= cap_delta)
) STRICT;

CREATE TABLE populations (
    id             BLOB PRIMARY KEY,
    tenant_id      BLOB NOT NULL REFERENCES tenants (id),
    name           TEXT NOT NULL,
    is_default     INTEGER NOT NULL,
    strict         INTEGER NOT NULL,
    split_key      BLOB NOT NULL,
    cap_rho        INTEGER NOT NULL,
    spent_rho      INTEGER NOT NULL DEFAULT 0,
    reserved_rho   INTEGER NOT NULL DEFAULT 0,
    cap_delta      INTEGER NOT NULL,
    spent_delta    INTEGER NOT NULL DEFAULT 0,
    reserved_delta INTEGER NOT NULL DEFAULT 0,
    created_at     INTEGER NOT NULL,
    UNIQUE (tenant_id, name),
    CONSTRAINT population_budget CHECK (
        spent_rho >= 0 AND reserved_rho >= 0 AND spent_rho + reserved_rho <= cap_rho
        AND spent_delta >= 0 AND reserved_delta >= 0 AND spent_delta + reserved_delta <= cap_delta)
) STRICT;
CREATE UNIQUE INDEX one_default_population ON populations (tenant_id) WHERE is_default;

CREATE TABLE keys (
    id         BLOB PRIMARY KEY,
    tenant_id  BLOB REFERENCES tenants (id),
    role       TEXT NOT NULL CHECK (role IN ('admin', 'steward', 'reader')),
    name       TEXT NOT NULL,
    prefix     TEXT NOT NULL UNIQUE,
    hash       BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    CONSTRAINT admins_have_no_tenant CHECK ((role = 'admin') = (tenant_id IS NULL))
) STRICT;

CREATE TABLE datasets (
    id            BLOB PRIMARY KEY,
    tenant_id     BLOB NOT NULL REFERENCES tenants (id),
    population_id BLOB NOT NULL REFERENCES populations (id),
    name          TEXT NOT NULL,
    schema        TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('empty', 'receiving', 'parsing', 'ready', 'rejected', 'erased')),
    frozen        INTEGER NOT NULL DEFAULT 0,
    trace_path    TEXT,
    trace_sha256  TEXT,
    report        TEXT,
    problem       TEXT,
    created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX datasets_of_tenant ON datasets (tenant_id, id);

CREATE TABLE models (
    id            BLOB PRIMARY KEY,
    tenant_id     BLOB NOT NULL REFERENCES tenants (id),
    dataset_id    BLOB NOT NULL REFERENCES datasets (id),
    job_id        BLOB NOT NULL UNIQUE,
    bundle_path   TEXT NOT NULL,
    bundle_sha256 TEXT NOT NULL,
    statement     TEXT NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE jobs (
    id                   BLOB PRIMARY KEY,
    tenant_id            BLOB NOT NULL REFERENCES tenants (id),
    population_id        BLOB NOT NULL REFERENCES populations (id),
    dataset_id           BLOB NOT NULL REFERENCES datasets (id),
    kind                 TEXT NOT NULL CHECK (kind IN ('parse', 'fit', 'generate', 'evaluate')),
    state                TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    request              TEXT NOT NULL,
    rho                  INTEGER NOT NULL DEFAULT 0,
    delta                INTEGER NOT NULL DEFAULT 0,
    charged              INTEGER,
    stage                TEXT NOT NULL DEFAULT '',
    percent              INTEGER NOT NULL DEFAULT 0,
    attempt              INTEGER NOT NULL DEFAULT 0,
    lease_until          INTEGER,
    cancel_requested     INTEGER NOT NULL DEFAULT 0,
    noise_key            BLOB,
    measuring_started_at INTEGER,
    measuring            TEXT,
    problem              TEXT,
    model_id             BLOB REFERENCES models (id),
    release_id           BLOB,
    created_at           INTEGER NOT NULL,
    finished_at          INTEGER
) STRICT;
CREATE INDEX jobs_to_claim ON jobs (state, created_at);
CREATE INDEX jobs_of_tenant ON jobs (tenant_id, id);

CREATE TABLE idempotency (
    tenant_id BLOB NOT NULL REFERENCES tenants (id),
    key       TEXT NOT NULL,
    body      BLOB NOT NULL,
    job_id    BLOB NOT NULL,
    PRIMARY KEY (tenant_id, key)
) STRICT;

CREATE TABLE releases (
    id                BLOB PRIMARY KEY,
    tenant_id         BLOB NOT NULL REFERENCES tenants (id),
    dataset_id        BLOB NOT NULL REFERENCES datasets (id),
    model_id          BLOB NOT NULL REFERENCES models (id),
    job_id            BLOB NOT NULL UNIQUE,
    state             TEXT NOT NULL CHECK (state IN ('draft', 'published')),
    trace_path        TEXT NOT NULL,
    trace_sha256      TEXT NOT NULL,
    bytes             INTEGER NOT NULL,
    row_count         INTEGER NOT NULL,
    rows_by_hand      INTEGER NOT NULL,
    seed              TEXT NOT NULL,
    report            TEXT NOT NULL,
    private_report    TEXT,
    private_opened_at INTEGER,
    created_at        INTEGER NOT NULL,
    published_at      INTEGER
) STRICT;
CREATE INDEX releases_of_tenant ON releases (tenant_id, id);

-- The ledger: entries are written once.
CREATE TABLE entries (
    id            BLOB PRIMARY KEY,
    tenant_id     BLOB NOT NULL REFERENCES tenants (id),
    population_id BLOB REFERENCES populations (id),
    job_id        BLOB,
    kind          TEXT NOT NULL CHECK (kind IN ('grant', 'reserve', 'commit', 'release')),
    rho           INTEGER NOT NULL,
    delta         INTEGER NOT NULL,
    actor         TEXT NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX entries_of_tenant ON entries (tenant_id, id);
CREATE UNIQUE INDEX one_entry_of_a_kind ON entries (job_id, kind) WHERE job_id IS NOT NULL;

CREATE TRIGGER entries_stand_update BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed or deleted'); END;
CREATE TRIGGER entries_stand_delete BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed or deleted'); END;
