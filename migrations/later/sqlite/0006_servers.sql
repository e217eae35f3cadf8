-- Servers and their memory, and what jobs need of it.

-- The running servers that work on jobs. One that was not seen for a minute is gone.
CREATE TABLE servers (
    id BLOB PRIMARY KEY,
    memory INTEGER NOT NULL CHECK (memory >= 0),
    seen_at INTEGER NOT NULL
) STRICT;

-- Bytes that a job needs at most. None where an earlier version queued it.
ALTER TABLE jobs ADD COLUMN memory INTEGER;

-- N̂ of a model, rounded, and bytes that its tables take while records are made. None where an earlier version made it.
ALTER TABLE models ADD COLUMN records INTEGER;
ALTER TABLE models ADD COLUMN memory INTEGER;
