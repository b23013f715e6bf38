-- The members a big group was last sent, so that the next change of it can be sent as the difference. Groups below the threshold have no row.
CREATE TABLE membership (
    link INTEGER NOT NULL REFERENCES link (id),
    entity_type TEXT NOT NULL,
    source_id TEXT NOT NULL,
    -- SHA-256 of what the group was sent without its members
    rest BLOB NOT NULL CHECK (length(rest) = 32),
    -- ids in the target, a JSON array of texts, sorted
    members TEXT NOT NULL,
    PRIMARY KEY (link, entity_type, source_id)
) WITHOUT ROWID;
