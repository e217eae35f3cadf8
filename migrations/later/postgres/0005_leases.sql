-- Uploads with a lease, and turns between tenants.

-- Until when the server that receives a trace has the dataset. None where a server of an earlier version receives.
ALTER TABLE datasets ADD COLUMN upload_until BIGINT;

-- When a job of a tenant was last claimed: the one longest not served comes next.
CREATE TABLE turns (
    tenant_id UUID PRIMARY KEY REFERENCES tenants (id),
    served_at BIGINT NOT NULL
);
