-- What is published, for whom, and what was taken back; the keys that sign it.

-- What its steward says of it to whoever finds it, JSON.
ALTER TABLE datasets ADD COLUMN about TEXT;

-- Who may fetch a published release. None where a server of an earlier version published it: readers of its tenant, then.
ALTER TABLE releases ADD COLUMN access TEXT CHECK (access IN ('tenant', 'public'));
-- What its series is called in addresses.
ALTER TABLE releases ADD COLUMN series TEXT;
-- What was said of it when it was published, JSON; its report as it was then; and the signature over content, report and statement.
ALTER TABLE releases ADD COLUMN publication TEXT;
ALTER TABLE releases ADD COLUMN public_report TEXT;
ALTER TABLE releases ADD COLUMN attestation TEXT;
-- When and why it was withdrawn, and the signature over that. A withdrawn release is a draft to servers of an earlier version: they show it to no reader.
ALTER TABLE releases ADD COLUMN withdrawn_at INTEGER;
ALTER TABLE releases ADD COLUMN withdrawn_reason TEXT;
ALTER TABLE releases ADD COLUMN withdrawal TEXT;
CREATE INDEX releases_in_series ON releases (series);

CREATE TRIGGER withdrawals_stand BEFORE UPDATE ON releases
WHEN OLD.withdrawn_at IS NOT NULL
    AND (NEW.state <> 'draft' OR NEW.withdrawn_at IS NOT OLD.withdrawn_at OR NEW.withdrawn_reason IS NOT OLD.withdrawn_reason)
BEGIN SELECT RAISE(ABORT, 'a withdrawal stands'); END;

-- Public keys, those that sign no more included: what they signed is verified by them. Secret ones are in no database.
CREATE TABLE signing_keys (
    id    TEXT PRIMARY KEY,
    pem   TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER
) STRICT;
