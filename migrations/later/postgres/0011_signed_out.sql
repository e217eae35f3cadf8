-- Sessions of the console that somebody signed out of, until they would have lapsed: every server refuses them.
CREATE TABLE signed_out (
    session TEXT PRIMARY KEY,
    until   BIGINT NOT NULL
);
