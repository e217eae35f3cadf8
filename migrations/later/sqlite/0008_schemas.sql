-- The newest version of schemas that a server reads. None where a server of an earlier version runs, which reads version 1.
ALTER TABLE servers ADD COLUMN schemas INTEGER;
