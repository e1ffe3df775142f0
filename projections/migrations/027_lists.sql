-- Lists that looked at rows of all others, one after another, to find a few.

-- The failed ones of a process.
CREATE INDEX process_instances_definition_status ON process_instances (definition_id, status, started_at DESC, id DESC);

-- What is over: all of it; what somebody had last, what nobody had and somebody completed, what somebody was to approve.
CREATE INDEX tasks_over ON tasks (status, created_at DESC, id DESC) WHERE status IN ('completed', 'cancelled');
CREATE INDEX tasks_had ON tasks (assignee, status, created_at DESC, id DESC) WHERE status IN ('completed', 'cancelled');
CREATE INDEX tasks_done ON tasks (completed_by, status, created_at DESC, id DESC)
    WHERE status IN ('completed', 'cancelled') AND assignee IS NULL;
CREATE INDEX tasks_approvers ON tasks USING gin (approvers) WHERE approvers <> '{}';

-- All alerts about something, resolved ones too.
CREATE INDEX alerts_key ON alerts (key, created_at DESC, id DESC) WHERE key IS NOT NULL;
