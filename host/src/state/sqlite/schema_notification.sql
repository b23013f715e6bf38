-- How a source stands since its last successful run, for notifications.
CREATE TABLE notification (
    source TEXT PRIMARY KEY,
    -- runs that failed one after the other
    failures INTEGER NOT NULL,
    -- 1: somebody was told of this series
    told INTEGER NOT NULL CHECK (told IN (0, 1)),
    -- 1: somebody was told that deletions are withheld, and no run since went without
    withheld INTEGER NOT NULL CHECK (withheld IN (0, 1))
) WITHOUT ROWID;
