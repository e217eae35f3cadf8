-- What stewards looked at, by population, for ever; and an order of lists that does not rest on ids, which are random from now on.

-- Nothing of content and no number of times: that a population was looked at in this way, and when first. A copy brings earlier times along.
CREATE TABLE looks (
    population_id UUID NOT NULL REFERENCES populations (id),
    kind          TEXT NOT NULL CHECK (kind IN ('parse report', 'quote', 'draft trace', 'private report')),
    first_at      BIGINT NOT NULL,
    PRIMARY KEY (population_id, kind, first_at)
);

INSERT INTO looks (population_id, kind, first_at)
    SELECT population_id, 'parse report', MIN(finished_at) FROM jobs
    WHERE kind = 'parse' AND finished_at IS NOT NULL GROUP BY population_id;
INSERT INTO looks (population_id, kind, first_at)
    SELECT d.population_id, 'draft trace', MIN(r.content_opened_at) FROM releases r JOIN datasets d ON d.id = r.dataset_id
    WHERE r.content_opened_at IS NOT NULL GROUP BY d.population_id;
INSERT INTO looks (population_id, kind, first_at)
    SELECT d.population_id, 'private report', MIN(r.private_opened_at) FROM releases r JOIN datasets d ON d.id = r.dataset_id
    WHERE r.private_opened_at IS NOT NULL GROUP BY d.population_id;

CREATE FUNCTION looks_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'looks are never changed or deleted';
END $$;
CREATE TRIGGER looks_stand BEFORE UPDATE OR DELETE ON looks
    FOR EACH STATEMENT EXECUTE FUNCTION looks_stand();

-- What is published keeps what it said of its declaration; a dataset made after its people were seen is a late one from now on.
ALTER TABLE releases ADD COLUMN declared_late BOOLEAN;
UPDATE releases SET declared_late = (SELECT declared_late FROM datasets WHERE datasets.id = releases.dataset_id) WHERE state = 'published';
UPDATE datasets SET declared_late = TRUE WHERE EXISTS
    (SELECT 1 FROM looks WHERE looks.population_id = datasets.population_id AND looks.kind IN ('parse report', 'private report')
        AND looks.first_at < datasets.created_at);

-- Ids held the time, so the rows that are there are in their order.
ALTER TABLE populations ADD COLUMN seq BIGINT;
ALTER TABLE datasets ADD COLUMN seq BIGINT;
ALTER TABLE releases ADD COLUMN seq BIGINT;
UPDATE populations SET seq = o.n FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS n FROM populations) AS o WHERE o.id = populations.id;
UPDATE datasets SET seq = o.n FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS n FROM datasets) AS o WHERE o.id = datasets.id;
UPDATE releases SET seq = o.n FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS n FROM releases) AS o WHERE o.id = releases.id;
CREATE UNIQUE INDEX populations_in_order ON populations (seq);
CREATE UNIQUE INDEX datasets_in_order ON datasets (seq);
CREATE UNIQUE INDEX releases_in_order ON releases (seq);
CREATE SEQUENCE population_places OWNED BY populations.seq;
CREATE SEQUENCE dataset_places OWNED BY datasets.seq;
CREATE SEQUENCE release_places OWNED BY releases.seq;
SELECT setval('population_places', (SELECT COUNT(*) + 1 FROM populations), false);
SELECT setval('dataset_places', (SELECT COUNT(*) + 1 FROM datasets), false);
SELECT setval('release_places', (SELECT COUNT(*) + 1 FROM releases), false);
ALTER TABLE populations ALTER COLUMN seq SET NOT NULL, ALTER COLUMN seq SET DEFAULT nextval('population_places');
ALTER TABLE datasets ALTER COLUMN seq SET NOT NULL, ALTER COLUMN seq SET DEFAULT nextval('dataset_places');
ALTER TABLE releases ALTER COLUMN seq SET NOT NULL, ALTER COLUMN seq SET DEFAULT nextval('release_places');
CREATE INDEX datasets_of_tenant_in_order ON datasets (tenant_id, seq);
CREATE INDEX releases_of_tenant_in_order ON releases (tenant_id, seq);
