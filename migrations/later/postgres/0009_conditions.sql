-- The newest version of requests for jobs that a server does. None where a server of an earlier version runs, which does version 1.
ALTER TABLE servers ADD COLUMN requests BIGINT;
-- Which categories the records of a release were to have, JSON. None where they are as the model has them.
ALTER TABLE releases ADD COLUMN condition TEXT;
