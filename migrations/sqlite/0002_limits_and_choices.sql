-- Disk a tenant uses, uploads told apart, the schema as bound to a trace, and what was looked at before something was declared or published.

ALTER TABLE datasets ADD COLUMN trace_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE datasets ADD COLUMN upload BLOB;
ALTER TABLE datasets ADD COLUMN declared_late INTEGER NOT NULL DEFAULT 0;
ALTER TABLE datasets ADD COLUMN bound_schema TEXT;

ALTER TABLE releases ADD COLUMN content_opened_at INTEGER;
ALTER TABLE releases ADD COLUMN opened_before TEXT;
