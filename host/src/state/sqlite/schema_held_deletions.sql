-- The target entity of this relation is disabled because its source entity is gone or left the scope.
CREATE TABLE disabled (
    relation INTEGER PRIMARY KEY REFERENCES relation (id) ON DELETE CASCADE,
    at INTEGER NOT NULL
);

-- SHA-256 of what makes the source ids of these entities, as of the last complete read that fitted the relations.
CREATE TABLE identity (
    link INTEGER NOT NULL REFERENCES link (id),
    entity_type TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    PRIMARY KEY (link, entity_type)
) WITHOUT ROWID;

-- Deletions a run did not carry out by itself. The relation is no reference: it may be gone by the time the list is accepted, and its id is never given again.
CREATE TABLE held_deletion (
    link INTEGER NOT NULL REFERENCES link (id),
    entity_type TEXT NOT NULL,
    run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    relation INTEGER NOT NULL,
    source_id TEXT NOT NULL,
    target_id TEXT NOT NULL,
    -- gone, left scope
    cause TEXT NOT NULL,
    -- 1: it was to be disabled, 0: deleted
    disable INTEGER NOT NULL CHECK (disable IN (0, 1)),
    -- why it was held back
    code TEXT NOT NULL,
    -- deleted, disabled, kept, returned, changed; NULL: open
    outcome TEXT,
    PRIMARY KEY (link, entity_type, run, relation)
) WITHOUT ROWID;
CREATE INDEX held_deletion_by_run ON held_deletion (run);

-- A run of the source that began after a list was made and has not come to its end for this link and entity type: whom it met nobody knows.
CREATE TABLE held_in_doubt (
    link INTEGER NOT NULL REFERENCES link (id),
    entity_type TEXT NOT NULL,
    -- no reference: the doubt outlives what is remembered of the run
    run INTEGER NOT NULL,
    PRIMARY KEY (link, entity_type)
) WITHOUT ROWID;

CREATE VIEW held_deletions AS
SELECT run, link.source, link.target, entity_type, source_id, target_id, cause, CASE disable WHEN 1 THEN 'disable' ELSE 'delete' END AS action, code, outcome
FROM held_deletion JOIN link ON link.id = held_deletion.link;
