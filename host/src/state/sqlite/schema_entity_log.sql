-- What became of one entity in one run, where that is worth a row: every failure and every deletion, and what ips.trace.* asks for. Ids and reasons; attributes only in
-- `content`, which is NULL unless it was asked for.
CREATE TABLE entity_log (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run (id),
    at INTEGER NOT NULL,
    -- where it happened: the source or a target
    system TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    -- empty where the source could not tell
    source_id TEXT NOT NULL,
    target_id TEXT,
    -- failed, skipped, created, updated, deleted, kept, disabled, held-back
    action TEXT NOT NULL,
    -- of a failure: read, read mapping, write mapping, write or delete
    stage TEXT,
    -- of a failure, or why a deletion was held back
    code TEXT,
    -- why it failed, was skipped, kept, disabled or held back
    message TEXT,
    content TEXT
);
CREATE INDEX entity_log_by_run ON entity_log (run, action);
CREATE INDEX entity_log_by_source ON entity_log (source_id);
CREATE INDEX entity_log_by_target ON entity_log (target_id) WHERE target_id IS NOT NULL;

-- A switch that works for one run has been used, and has been on ever since.
CREATE TABLE used_switch (
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (source, name)
) WITHOUT ROWID;

CREATE VIEW entity_logs AS
SELECT entity_log.id, run, run.source, strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS at, system, entity_type, source_id, target_id, action, stage, code, message, content
FROM entity_log JOIN run ON run.id = entity_log.run;
