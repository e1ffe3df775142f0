-- Deployed process definitions, one row a version, as the topic process-definitions has them.
CREATE TABLE process_definitions (
    id         text        NOT NULL,
    version    integer     NOT NULL,
    name       text        NOT NULL,
    definition jsonb       NOT NULL,
    hash       text        NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id, version)
);
