-- Uploads with a lease, and turns between tenants.

-- Until when the server that receives a trace has the dataset. None where a server of an earlier version receives.
ALTER TABLE datasets ADD COLUMN upload_until INTEGER;

-- When a job of a tenant was last claimed: the one longest not served comes next.
CREATE TABLE turns (
    tenant_id BLOB PRIMARY KEY REFERENCES tenants (id),
    served_at INTEGER NOT NULL
) STRICT;
