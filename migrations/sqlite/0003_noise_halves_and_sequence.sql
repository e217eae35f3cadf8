-- Noise keys in two halves, fits that know their build, failures told apart from attempts, ledger entries in a sequence.

-- Whole keys are gone: a fit that waits gets a new key when it begins to measure, one that was measuring ends charged.
UPDATE jobs SET noise_key = NULL;
ALTER TABLE jobs ADD COLUMN noise_half BLOB;
ALTER TABLE jobs ADD COLUMN build TEXT;
ALTER TABLE jobs ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;

-- The number of the last entry. An entry takes its number under the lock of this row.
CREATE TABLE ledger_sequence (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    last INTEGER NOT NULL
) STRICT;
ALTER TABLE entries ADD COLUMN seq INTEGER;
DROP TRIGGER entries_stand_update;
UPDATE entries SET seq = numbered.seq
    FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS seq FROM entries) AS numbered WHERE numbered.id = entries.id;
CREATE TRIGGER entries_stand_update BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed or deleted'); END;
INSERT INTO ledger_sequence (one, last) VALUES (1, (SELECT COALESCE(MAX(seq), 0) FROM entries));
CREATE UNIQUE INDEX entries_in_sequence ON entries (seq);
CREATE INDEX entries_of_tenant_in_sequence ON entries (tenant_id, seq);
