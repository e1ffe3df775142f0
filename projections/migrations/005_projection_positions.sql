-- How far the projected tables reflect each partition: `position` is the offset of the first record that is not in them.
--
-- A row moves in the transaction that writes its records, and only from the position that the writer believes in: of two
-- projectors with the same partition one fails. The topic's id tells a topic that was deleted and created anew.
CREATE TABLE projection_positions (
    topic     text    NOT NULL,
    topic_id  text    NOT NULL,
    partition integer NOT NULL,
    position  bigint  NOT NULL,
    PRIMARY KEY (topic, topic_id, partition)
) WITH (fillfactor = 50);
