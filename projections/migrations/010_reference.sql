-- What people call an instance.  They look for a part of it ("4711" of "Pump P-7, order 4711"), hence the trigrams;
-- an instance without one costs nothing.
ALTER TABLE process_instances ADD COLUMN reference text;

CREATE EXTENSION IF NOT EXISTS pg_trgm;   -- comes with PostgreSQL; whoever owns the database may make it
CREATE INDEX process_instances_reference ON process_instances USING gin (reference gin_trgm_ops)
    WHERE reference IS NOT NULL;
