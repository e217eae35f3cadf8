-- The row that a readiness probe writes: a database that only answers takes no work.

CREATE TABLE probes (
    one        BIGINT PRIMARY KEY CHECK (one = 1),
    written_at BIGINT NOT NULL
);
