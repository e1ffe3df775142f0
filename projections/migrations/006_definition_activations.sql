-- What somebody has activated or deactivated. A definition without a row has its newest version active.
CREATE TABLE definition_activations (
    id         text        NOT NULL PRIMARY KEY,
    active     integer,                          -- the version that starts instances; null: none does
    off        boolean     NOT NULL,             -- the whole definition is deactivated
    reason     text,                             -- why it is off
    pruned     boolean     NOT NULL,             -- off because the folder that was deployed has it no more
    retired    integer[]   NOT NULL,             -- versions that start nothing
    changed_at timestamptz NOT NULL
);

ALTER TABLE process_definitions
    ADD COLUMN source text,                      -- the text that was deployed, where it came along
    ADD COLUMN origin jsonb;                     -- who deployed it, and from where
