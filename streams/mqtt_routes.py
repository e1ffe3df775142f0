"""Which telemetry topic an MQTT message goes to, and as what record: the pure part of the bridge.

* a reading of at most 256 KB goes to the topic whose filter matches, unchanged; its key is ``tags.device_id``, else the
  levels of its MQTT topic that the filter's wildcards stand for;
* anything else is a dead letter, with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from streams.codec import BadRecordError, decode_reading
from streams.core.ids import key_text, partition_for
from streams.core.mqtt_filters import wildcard_part
from streams.deadletters import PARTITION as DEAD_LETTERS_PARTITION
from streams.deadletters import DeadLetter
from streams.records import Headers
from streams.topics import Topics

ROLE = "bridge"
TOPIC_HEADER = "mqtt_topic"


@dataclass(frozen=True, slots=True)
class KafkaRecord:
    """A record to be sent, and where."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Routes:
    """The filters of ``topics.yaml``.  ``partitions``: how many each telemetry topic has in Kafka."""

    def __init__(self, topics: Topics, partitions: Mapping[str, int]) -> None:
        self.filters = topics.mqtt_routes
        self._partitions = partitions
        self.dead_letters = topics.dead_letters.name
        self.targets = lru_cache(maxsize=65536)(self._targets)

    def _targets(self, mqtt_topic: str) -> tuple[tuple[str, str], ...]:
        """(telemetry topic, key of a reading that names no device) for each filter that matches."""
        matches = ((name, wildcard_part(mqtt_filter, mqtt_topic)) for mqtt_filter, name in self.filters.items())
        return tuple((name, part) for name, part in matches if part is not None)

    def records(self, mqtt_topic: str, payload: bytes, now_ms: int) -> list[KafkaRecord]:
        """What to send for a message: empty when no filter matches.  ``now_ms`` is wall time."""
        targets = self.targets(mqtt_topic)
        if not targets:
            return []
        try:
            reading = decode_reading(payload)
        except BadRecordError as error:
            return [self.dead_letter(mqtt_topic, payload, str(error), now_ms)]
        device = reading.get("tags", {}).get("device_id")
        headers = ((TOPIC_HEADER, mqtt_topic.encode()),)
        found: list[KafkaRecord] = []
        for name, part in targets:
            key = key_text(device) or part
            found.append(KafkaRecord(name, partition_for(key, self._partitions[name]), key.encode(), payload, headers))
        return found

    def dead_letter(self, mqtt_topic: str, payload: bytes, reason: str, now_ms: int) -> KafkaRecord:
        """The record on ``process-dead-letters`` for a message that cannot be carried."""
        letter = DeadLetter(
            topic=f"mqtt:{mqtt_topic}",
            partition=0,
            offset=0,
            key=mqtt_topic.encode(),
            value=payload,
            reason=reason,
            role=ROLE,
            headers=((TOPIC_HEADER, mqtt_topic.encode()),),
        )
        return KafkaRecord(self.dead_letters, DEAD_LETTERS_PARTITION, *letter.record(now_ms))
