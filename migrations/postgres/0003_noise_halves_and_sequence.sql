-- Noise keys in two halves, fits that know their build, failures told apart from attempts, ledger entries in a sequence.

-- In the order in which a running server takes its locks.
LOCK TABLE tenants, populations, entries, jobs IN ACCESS EXCLUSIVE MODE;

-- Whole keys are gone: a fit that waits gets a new key when it begins to measure, one that was measuring ends charged.
UPDATE jobs SET noise_key = NULL;
ALTER TABLE jobs ADD COLUMN noise_half BYTEA;
ALTER TABLE jobs ADD COLUMN build TEXT;
ALTER TABLE jobs ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;

-- The number of the last entry. An entry takes its number under the lock of this row.
CREATE TABLE ledger_sequence (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    last BIGINT NOT NULL
);
ALTER TABLE entries ADD COLUMN seq BIGINT;
ALTER TABLE entries DISABLE TRIGGER entries_stand;
UPDATE entries SET seq = numbered.seq
    FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS seq FROM entries) AS numbered WHERE numbered.id = entries.id;
ALTER TABLE entries ENABLE TRIGGER entries_stand;
INSERT INTO ledger_sequence (one, last) VALUES (1, (SELECT COALESCE(MAX(seq), 0) FROM entries));
CREATE UNIQUE INDEX entries_in_sequence ON entries (seq);
CREATE INDEX entries_of_tenant_in_sequence ON entries (tenant_id, seq);

-- A server of the version before, still running beside this one, writes entries without a number.
CREATE FUNCTION entries_take_a_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq IS NULL THEN
        UPDATE ledger_sequence SET last = last + 1 RETURNING last INTO NEW.seq;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER entries_take_a_number BEFORE INSERT ON entries
    FOR EACH ROW EXECUTE FUNCTION entries_take_a_number();
