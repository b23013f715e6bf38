-- The identity directory. Anyone can open the file and query it; only Provisor writes to it.
CREATE TABLE resource (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    -- User, Group
    type TEXT NOT NULL,
    -- What the client set, as JSON, without what stands in the other columns and tables.
    document TEXT NOT NULL,
    external_id TEXT,
    -- Lower case.
    display_name TEXT,
    -- Milliseconds since 1970. No two changes have the same `modified`, and a later one has a greater.
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL UNIQUE,
    version INTEGER NOT NULL
) STRICT;
CREATE INDEX resource_of_type ON resource (type, seq);
CREATE INDEX resource_modified ON resource (type, modified);
CREATE INDEX resource_external_id ON resource (type, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX resource_display_name ON resource (type, display_name) WHERE display_name IS NOT NULL;

-- Values that only one resource of a type may have; in lower case where the schema does not tell case apart.
CREATE TABLE unique_value (
    type TEXT NOT NULL,
    attribute TEXT NOT NULL,
    value TEXT NOT NULL,
    resource INTEGER NOT NULL REFERENCES resource (seq) ON DELETE CASCADE,
    PRIMARY KEY (type, attribute, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX unique_value_of_resource ON unique_value (resource);

CREATE TABLE member (
    group_seq INTEGER NOT NULL REFERENCES resource (seq) ON DELETE CASCADE,
    member_seq INTEGER NOT NULL REFERENCES resource (seq) ON DELETE CASCADE,
    PRIMARY KEY (group_seq, member_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_of ON member (member_seq, group_seq);
