"""What to send for a letter that goes its normal way again.

| the letter came from | its record goes                                                                  |
|----------------------|----------------------------------------------------------------------------------|
| the commands' topic  | there, under its key: it is decided as any other                                 |
| a telemetry topic    | there, for the role (and the definitions) that gave it up, as old as it is       |
| MQTT                 | where the bridge would carry it, for all roles, as old as it is                  |

Its original headers go along but those with names of ours, which told of the first time.
"""

from collections.abc import Sequence

from streams.codec import BadRecordError, decode_reading
from streams.core.ids import murmur2
from streams.deadletters import MQTT
from streams.mqtt_routes import Routes
from streams.records import Headers
from streams.retries import Retry
from streams.topics import Topic, Topics
from streams.transport.options import TransportOptions
from streams.transport.port import Message, TopicPartition
from weir.letters.letter import Letter

OURS = "weir_"
OVERHEAD_BYTES = 1024
"""What the broker counts besides key, value and headers, rounded up."""
Send = tuple[TopicPartition, Message]


class NotRetryableError(Exception):
    """The letter cannot go its way again; the message says why, and what else helps."""


class Sending:
    """Letters' ways, by ``topics.yaml``."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._routes = Routes(topics, {name: topic.partitions for name, topic in topics.telemetry.items()})

    def again(self, letter: Letter) -> Sequence[Send]:
        """The records to send; ``letter`` has its value.  Raises ``NotRetryableError``."""
        if letter.source is None:
            raise NotRetryableError("it does not tell where it came from: nobody of Weir has written it")
        if letter.cut is not None:
            raise NotRetryableError(
                f"its value was cut from {letter.cut} to {letter.size} bytes: only its source has the whole of it"
            )
        topic = letter.source.topic
        if topic.startswith(MQTT):
            sends = self._over_mqtt(letter, topic.removeprefix(MQTT))
        elif topic == self._topics.commands.name:
            sends = [self._command(letter)]
        elif topic in self._topics.telemetry:
            sends = [self._reading(letter, self._topics.telemetry[topic])]
        elif topic in (self._topics.events.name, self._topics.definitions.name):
            raise NotRetryableError(
                f"only the processor writes to {topic}: what waited for it ends by its own deadline"
            )
        else:
            raise NotRetryableError(f"topics.yaml has no topic {topic}")
        for tp, message in sends:
            self._check_size(tp.topic, message)
        return sends

    def _command(self, letter: Letter) -> Send:
        topic = self._topics.commands
        if letter.key is None:
            assert letter.source is not None
            partition = letter.source.partition % topic.partitions
        else:
            partition = (murmur2(letter.key) & 0x7FFFFFFF) % topic.partitions
        retry = Retry(str(letter.place))
        return TopicPartition(topic.name, partition), (letter.key, letter.value, _headers(letter, retry))

    def _reading(self, letter: Letter, topic: Topic) -> Send:
        """Into its own partition, where its key's readings are."""
        assert letter.source is not None
        if letter.source.partition >= topic.partitions:
            raise NotRetryableError(f"{topic.name} has {topic.partitions} partitions, and it was in another")
        retry = Retry(str(letter.place), letter.role, frozenset(letter.definitions), letter.arrived_ms)
        tp = TopicPartition(topic.name, letter.source.partition)
        return tp, (letter.key, letter.value, _headers(letter, retry))

    def _over_mqtt(self, letter: Letter, mqtt_topic: str) -> list[Send]:
        """As the bridge would; what it would refuse again stays."""
        try:
            decode_reading(letter.value)
        except BadRecordError as error:
            raise NotRetryableError(f"the bridge would refuse it again: {error}") from None
        records = self._routes.records(mqtt_topic, letter.value or b"", 0)
        if not records:
            raise NotRetryableError(f"no filter in topics.yaml asks for {mqtt_topic}")
        retry = Retry(str(letter.place), arrived_ms=letter.arrived_ms)
        return [
            (TopicPartition(one.topic, one.partition), (one.key, one.value, [*one.headers, *retry.headers()]))
            for one in records
        ]

    def _check_size(self, name: str, message: Message) -> None:
        key, value, headers = message
        size = len(key or b"") + len(value or b"") + sum(len(name) + len(content or b"") for name, content in headers)
        known = next(topic for topic in self._topics.all() if topic.name == name)
        limit = int(known.config.get("max.message.bytes", TransportOptions.max_record_bytes)) - OVERHEAD_BYTES
        if size > limit:
            raise NotRetryableError(f"it has {size} bytes, and {name} takes {limit}")


def _headers(letter: Letter, retry: Retry) -> Headers:
    own = [(name, content) for name, content in letter.headers if not name.startswith(OURS)]
    return [*own, *retry.headers()]
