-- Uploads with a lease, and turns between tenants.

-- Until when the server that receives a trace has the dataset. None where a server of an earlier version receives.
ALTER TABLE datasets ADD COLUMN upload_until INTEGER;

-- Turns of claiming jobs: whose number is lowest comes next. A number, no time: clocks go back.
CREATE TABLE turns (
    tenant_id BLOB PRIMARY KEY,
    served    INTEGER NOT NULL
) STRICT;
