-- Servers and their memory, and what jobs need of it.

-- The running servers that work on jobs. One that was not seen for a minute is gone.
CREATE TABLE servers (
    id UUID PRIMARY KEY,
    memory BIGINT NOT NULL CHECK (memory >= 0),
    seen_at BIGINT NOT NULL
);

-- Bytes that a job needs at most. None where an earlier version queued it.
ALTER TABLE jobs ADD COLUMN memory BIGINT;

-- N̂ of a model, rounded, and bytes that its tables take while records are made. None where an earlier version made it.
ALTER TABLE models ADD COLUMN records BIGINT;
ALTER TABLE models ADD COLUMN memory BIGINT;
