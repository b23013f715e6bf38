-- A source and a target system, by their names in the manifest.
CREATE TABLE link (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    UNIQUE (source, target)
);

-- This source entity is that target entity.
CREATE TABLE relation (
    -- AUTOINCREMENT: an id is never given twice, so a list of ids made in one run means the same relations in the next.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    link INTEGER NOT NULL REFERENCES link (id),
    entity_type TEXT NOT NULL,
    source_id TEXT NOT NULL,
    target_id TEXT NOT NULL,
    -- The target entity was found, not created by us.
    existed_before INTEGER NOT NULL CHECK (existed_before IN (0, 1)),
    -- SHA-256 of the common document and the versions of both mappings; NULL: map it again.
    common_digest BLOB CHECK (length(common_digest) = 32),
    -- SHA-256 of what the target was sent; NULL: write it again.
    target_digest BLOB CHECK (length(target_digest) = 32),
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX relation_by_source ON relation (link, entity_type, source_id);
CREATE INDEX relation_by_target ON relation (link, entity_type, target_id);

-- Where a target was when its relations were made: its connector and the properties that lead to the backend.
CREATE TABLE target_place (
    target TEXT PRIMARY KEY,
    place TEXT NOT NULL
) WITHOUT ROWID;

-- Common digests of this link and entity type were made while ids they may depend on were changing; they are cleared when the next run begins.
CREATE TABLE stale (
    link INTEGER NOT NULL REFERENCES link (id),
    entity_type TEXT NOT NULL,
    PRIMARY KEY (link, entity_type)
) WITHOUT ROWID;

-- One job of one source.
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    job TEXT NOT NULL,
    read_mode TEXT NOT NULL,
    -- running, success, finished with error, failed, interrupted
    status TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    -- NULL: still running, or interrupted at a moment nobody saw
    ended_at INTEGER,
    -- what `run --json` prints
    report TEXT
);
CREATE INDEX run_by_source ON run (source);

-- How many entities, committed with each page.
CREATE TABLE run_count (
    run INTEGER NOT NULL REFERENCES run (id),
    system TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    read INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    PRIMARY KEY (run, system, entity_type)
) WITHOUT ROWID;

-- How far a run came, committed with each page.
CREATE TABLE checkpoint (
    run INTEGER NOT NULL REFERENCES run (id),
    link INTEGER NOT NULL REFERENCES link (id),
    entity_type TEXT NOT NULL,
    pages INTEGER NOT NULL,
    -- of the next page; NULL after the last
    cursor TEXT,
    PRIMARY KEY (run, link, entity_type)
) WITHOUT ROWID;

-- A page of source entities that were about to be created in the target. The page's commit removes it; what a killed run leaves behind may or may
-- not exist in the target.
CREATE TABLE intent (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES run (id),
    link INTEGER NOT NULL REFERENCES link (id),
    entity_type TEXT NOT NULL,
    -- a JSON array of texts
    source_ids TEXT NOT NULL
);
CREATE INDEX intent_by_link ON intent (link, entity_type);

CREATE VIEW relations AS
SELECT relation.id, link.source, link.target, entity_type, source_id, target_id, existed_before, CASE WHEN common_digest IS NOT NULL THEN lower(hex(common_digest)) END AS common_digest,
    CASE WHEN target_digest IS NOT NULL THEN lower(hex(target_digest)) END AS target_digest, strftime('%Y-%m-%dT%H:%M:%fZ', updated_at / 1000.0, 'unixepoch') AS updated_at
FROM relation JOIN link ON link.id = relation.link;

CREATE VIEW runs AS
SELECT id, source, job, read_mode, status, strftime('%Y-%m-%dT%H:%M:%fZ', started_at / 1000.0, 'unixepoch') AS started_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', ended_at / 1000.0, 'unixepoch') AS ended_at, report
FROM run;

CREATE VIEW intents AS
SELECT intent.run, link.source, link.target, entity_type, source_id.value AS source_id
FROM intent JOIN link ON link.id = intent.link, json_each(intent.source_ids) AS source_id;
