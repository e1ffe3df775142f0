-- Templates that people have saved, beside those that are files. A replay leaves this table alone; times are the wall's.
CREATE TABLE process_templates (
    id            text        PRIMARY KEY,
    name          text        NOT NULL CHECK (name <> ''),
    description   text,
    category      text,
    template_data text        NOT NULL,                  -- YAML, as `weir template` reads it
    created_by    text        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    is_public     boolean     NOT NULL DEFAULT true      -- else only who made it, and administrators, see it
);
CREATE INDEX process_definitions_template ON process_definitions ((origin ->> 'template'), id)
    WHERE origin ->> 'template' IS NOT NULL;
