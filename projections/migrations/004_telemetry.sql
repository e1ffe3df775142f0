-- Every reading of the telemetry topics.
CREATE TABLE telemetry (
    time             timestamptz NOT NULL,               -- the device's own time when it is sane, else arrived_at
    arrived_at       timestamptz NOT NULL,               -- plant time of the record on its topic
    topic            text        NOT NULL,
    record_partition integer     NOT NULL,
    record_offset    bigint      NOT NULL,
    device_id        text,
    tags             jsonb       NOT NULL,
    fields           jsonb       NOT NULL,
    UNIQUE (time, topic, record_partition, record_offset)   -- time first: also serves ranges of time
);

SELECT create_hypertable('telemetry', by_range('time', interval '1 day'), create_default_indexes => false);

CREATE INDEX telemetry_device ON telemetry (device_id, time DESC) WHERE device_id IS NOT NULL;
