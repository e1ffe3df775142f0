-- Up to when rows were removed because they were old enough (WEIR_HISTORY_KEEP_DAYS and its like): what `weir verify` does
-- not miss. A replay of the topics brings rows back and leaves this table alone; the next pass removes them again.
CREATE TABLE retention (
    kind           text        PRIMARY KEY CHECK (kind IN ('history', 'telemetry', 'audit')),
    removed_before timestamptz NOT NULL                 -- history: of instances that had ended before
);
