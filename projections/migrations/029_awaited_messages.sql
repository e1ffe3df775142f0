-- Who waits for a message under a key?  Few events are such, so the others pay nothing.
CREATE INDEX process_history_awaited ON process_history ((data ->> 'name'), (data ->> 'correlation'), timestamp)
    WHERE event_type = 'message_awaited';
