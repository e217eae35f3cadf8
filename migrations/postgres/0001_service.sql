-- The service's tables. Times are microseconds since 1970; ρ counts 10⁻¹², δ′ counts 10⁻¹⁸; JSON is text.

CREATE TABLE tenants (
    id             UUID PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    cap_rho        BIGINT NOT NULL,
    spent_rho      BIGINT NOT NULL DEFAULT 0,
    reserved_rho   BIGINT NOT NULL DEFAULT 0,
    cap_delta      BIGINT NOT NULL,
    spent_delta    BIGINT NOT NULL DEFAULT 0,
    reserved_delta BIGINT NOT NULL DEFAULT 0,
    created_at     BIGINT NOT NULL,
    CONSTRAINT tenant_budget CHECK (
        spent_rho >= 0 AND reserved_rho >= 0 AND spent_rho + reserved_rho <= cap_rho
        AND spent_delta >= 0 AND reserved_delta >= 0 AND spent_delta + reserved_delta <= cap_delta)
);

CREATE TABLE populations (
    id             UUID PRIMARY KEY,
    tenant_id      UUID NOT NULL REFERENCES tenants (id),
    name           TEXT NOT NULL,
    is_default     BOOLEAN NOT NULL,
    strict         BOOLEAN NOT NULL,
    split_key      BYTEA NOT NULL,
    cap_rho        BIGINT NOT NULL,
    spent_rho      BIGINT NOT NULL DEFAULT 0,
    reserved_rho   BIGINT NOT NULL DEFAULT 0,
    cap_delta      BIGINT NOT NULL,
    spent_delta    BIGINT NOT NULL DEFAULT 0,
    reserved_delta BIGINT NOT NULL DEFAULT 0,
    created_at     BIGINT NOT NULL,
    UNIQUE (tenant_id, name),
    CONSTRAINT population_budget CHECK (
        spent_rho >= 0 AND reserved_rho >= 0 AND spent_rho + reserved_rho <= cap_rho
        AND spent_delta >= 0 AND reserved_delta >= 0 AND spent_delta + reserved_delta <= cap_delta)
);
CREATE UNIQUE INDEX one_default_population ON populations (tenant_id) WHERE is_default;

CREATE TABLE keys (
    id         UUID PRIMARY KEY,
    tenant_id  UUID REFERENCES tenants (id),
    role       TEXT NOT NULL CHECK (role IN ('admin', 'steward', 'reader')),
    name       TEXT NOT NULL,
    prefix     TEXT NOT NULL UNIQUE,
    hash       BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    CONSTRAINT admins_have_no_tenant CHECK ((role = 'admin') = (tenant_id IS NULL))
);

CREATE TABLE datasets (
    id            UUID PRIMARY KEY,
    tenant_id     UUID NOT NULL REFERENCES tenants (id),
    population_id UUID NOT NULL REFERENCES populations (id),
    name          TEXT NOT NULL,
    schema        TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('empty', 'receiving', 'parsing', 'ready', 'rejected', 'erased')),
    frozen        BOOLEAN NOT NULL DEFAULT FALSE,
    trace_path    TEXT,
    trace_sha256  TEXT,
    report        TEXT,
    problem       TEXT,
    created_at    BIGINT NOT NULL
);
CREATE INDEX datasets_of_tenant ON datasets (tenant_id, id);

CREATE TABLE models (
    id            UUID PRIMARY KEY,
    tenant_id     UUID NOT NULL REFERENCES tenants (id),
    dataset_id    UUID NOT NULL REFERENCES datasets (id),
    job_id        UUID NOT NULL UNIQUE,
    bundle_path   TEXT NOT NULL,
    bundle_sha256 TEXT NOT NULL,
    statement     TEXT NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE TABLE jobs (
    id                   UUID PRIMARY KEY,
    tenant_id            UUID NOT NULL REFERENCES tenants (id),
    population_id        UUID NOT NULL REFERENCES populations (id),
    dataset_id           UUID NOT NULL REFERENCES datasets (id),
    kind                 TEXT NOT NULL CHECK (kind IN ('parse', 'fit', 'generate', 'evaluate')),
    state                TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    request              TEXT NOT NULL,
    rho                  BIGINT NOT NULL DEFAULT 0,
    delta                BIGINT NOT NULL DEFAULT 0,
    charged              BOOLEAN,
    stage                TEXT NOT NULL DEFAULT '',
    percent              BIGINT NOT NULL DEFAULT 0,
    attempt              BIGINT NOT NULL DEFAULT 0,
    lease_until          BIGINT,
    cancel_requested     BOOLEAN NOT NULL DEFAULT FALSE,
    noise_key            BYTEA,
    measuring_started_at BIGINT,
    measuring            TEXT,
    problem              TEXT,
    model_id             UUID REFERENCES models (id),
    release_id           UUID,
    created_at           BIGINT NOT NULL,
    finished_at          BIGINT
);
CREATE INDEX jobs_to_claim ON jobs (state, created_at);
CREATE INDEX jobs_of_tenant ON jobs (tenant_id, id);

CREATE TABLE idempotency (
    tenant_id UUID NOT NULL REFERENCES tenants (id),
    key       TEXT NOT NULL,
    body      BYTEA NOT NULL,
    job_id    UUID NOT NULL,
    PRIMARY KEY (tenant_id, key)
);

CREATE TABLE releases (
    id                UUID PRIMARY KEY,
    tenant_id         UUID NOT NULL REFERENCES tenants (id),
    dataset_id        UUID NOT NULL REFERENCES datasets (id),
    model_id          UUID NOT NULL REFERENCES models (id),
    job_id            UUID NOT NULL UNIQUE,
    state             TEXT NOT NULL CHECK (state IN ('draft', 'published')),
    trace_path        TEXT NOT NULL,
    trace_sha256      TEXT NOT NULL,
    bytes             BIGINT NOT NULL,
    row_count         BIGINT NOT NULL,
    rows_by_hand      BOOLEAN NOT NULL,
    seed              TEXT NOT NULL,
    report            TEXT NOT NULL,
    private_report    TEXT,
    private_opened_at BIGINT,
    created_at        BIGINT NOT NULL,
    published_at      BIGINT
);
CREATE INDEX releases_of_tenant ON releases (tenant_id, id);

-- The ledger: entries are written once.
CREATE TABLE entries (
    id            UUID PRIMARY KEY,
    tenant_id     UUID NOT NULL REFERENCES tenants (id),
    population_id UUID REFERENCES populations (id),
    job_id        UUID,
    kind          TEXT NOT NULL CHECK (kind IN ('grant', 'reserve', 'commit', 'release')),
    rho           BIGINT NOT NULL,
    delta         BIGINT NOT NULL,
    actor         TEXT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX entries_of_tenant ON entries (tenant_id, id);
CREATE UNIQUE INDEX one_entry_of_a_kind ON entries (job_id, kind) WHERE job_id IS NOT NULL;

CREATE FUNCTION entries_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger entries are never changed or deleted';
END $$;
CREATE TRIGGER entries_stand BEFORE UPDATE OR DELETE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION entries_stand();
