-- Where the next delta read of a source begins.
CREATE TABLE delta_token (
    source TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    -- as the connector gave it
    token TEXT NOT NULL,
    -- SHA-256 of what must be the same for changes alone to be enough: the source, both mappings, the targets
    basis BLOB NOT NULL CHECK (length(basis) = 32),
    PRIMARY KEY (source, entity_type)
) WITHOUT ROWID;

-- How many scheduled delta reads there were since the last scheduled full one that succeeded.
CREATE TABLE delta_run (
    source TEXT PRIMARY KEY,
    count INTEGER NOT NULL
) WITHOUT ROWID;
