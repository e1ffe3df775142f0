-- What is there to do, page by page: in this order, whatever the page begins behind (projections/queries/tasks.py).
CREATE INDEX tasks_urgency ON tasks ((-priority), (coalesce(due, 'infinity'::timestamptz)), created_at, id)
    WHERE status IN ('created', 'claimed');
