-- Every write that the gateway was asked for, refused ones too: the queryable copy of the topic process-audit.
CREATE TABLE audit_log (
    time             timestamptz NOT NULL,               -- the wall's
    topic            text        NOT NULL,
    record_partition integer     NOT NULL,
    record_offset    bigint      NOT NULL,
    id               text        NOT NULL,
    principal        text,                               -- who asked; null: nobody that is known
    kind             text        NOT NULL,               -- api_key, user, anonymous, unknown
    method           text        NOT NULL,
    route            text,                               -- as it was declared: /processes/{instance_id}/cancel
    target           text,                               -- what it is about
    request_id       text        NOT NULL,
    address          text,                               -- from where
    command_id       text,                               -- of the last command that it led to
    instance_id      uuid,                               -- what that is about, if about one instance
    cause            text,                               -- its '<partition>:<offset>', which its events name
    status           integer     NOT NULL,               -- what was answered
    request          jsonb,                              -- without secrets and what is long
    before           jsonb,                              -- the row of an owned table that it has changed
    after            jsonb,
    UNIQUE (time, topic, record_partition, record_offset)
);

SELECT create_hypertable('audit_log', by_range('time', interval '7 days'), create_default_indexes => false);

CREATE INDEX audit_log_principal ON audit_log (principal, time DESC);
CREATE INDEX audit_log_target ON audit_log (target, time DESC) WHERE target IS NOT NULL;
CREATE INDEX audit_log_instance ON audit_log (instance_id, time DESC) WHERE instance_id IS NOT NULL;

-- What the commands about an instance have led to: who is behind an event.
CREATE VIEW audit_events AS
SELECT history.instance_id, history.seq, history.timestamp, history.event_type, history.activity_id, history.data,
       asked.time AS asked_at, asked.principal, asked.kind, asked.route, asked.request_id, asked.address, asked.id AS audit_id
FROM audit_log AS asked
JOIN process_history AS history ON history.instance_id = asked.instance_id AND history.cause = asked.cause;
