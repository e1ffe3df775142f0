-- The branch of the process that an event belongs to: without it a history with branches cannot be folded again.
ALTER TABLE process_history ADD COLUMN token text;   -- '<execution of the activity that owns the branches>.<number>'
