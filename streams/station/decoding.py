"""Records of the topics ``positions`` and ``messages`` as what people sent; letters for what nobody can have meant."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.codec import MAX_TEXT, BadRecordError, decode_reading
from streams.core.clock import PlantClock
from streams.core.device_time import plausible_us
from streams.core.ids import key_text
from streams.deadletters import DeadLetter
from streams.records import IDEMPOTENCY_KEY, Record
from streams.retries import Retry, arrived_ms
from streams.station.events import stable_id
from streams.station.geometry import ShapeError, point
from streams.station.model import Fix, Message
from streams.station.presence import Sighting
from streams.transport.port import TopicPartition

ROLE = "station"
MAX_ID = 200
POSITIONS = "positions"


@dataclass
class Decoded:
    """Of a batch: what people sent, and letters for what nobody can have meant."""

    sightings: list[Sighting] = field(default_factory=list)
    messages: list[tuple[Message, str]] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    """Ids of messages that may come twice: their senders have named them, by a header."""
    dead: list[DeadLetter] = field(default_factory=list)

    def people(self) -> list[str]:
        """Their ids, sorted."""
        return sorted({one.user_id for one in self.sightings} | {one.user_id or "" for one, _ in self.messages})


def decode(tp: TopicPartition, records: Sequence[Record], clock: PlantClock) -> Decoded:
    """What the records of a batch say."""
    decoded = Decoded()
    for record in records:
        retry = Retry.of(record.headers) if record.headers else None
        if retry is not None and not retry.concerns(ROLE):
            continue
        cause = f"{tp.topic}/{tp.partition}/{record.offset}"
        try:
            reading = decode_reading(record.value)
            user_id, arrived = _user_of(reading, record), clock.plant_ms(arrived_ms(record, retry))
            if tp.topic == POSITIONS:
                decoded.sightings.append(Sighting(user_id, _fix_of(reading, arrived), arrived, cause))
            else:
                name = next((value for name, value in record.headers or () if name == IDEMPOTENCY_KEY), None)
                id_ = stable_id(cause) if name is None else stable_id(IDEMPOTENCY_KEY, name.decode(errors="replace"))
                decoded.messages.append((_message_of(reading, user_id, arrived, id_), cause))
                if name is not None:
                    decoded.named.add(id_)
        except BadRecordError as error:
            decoded.dead.append(DeadLetter.of(record, tp.topic, tp.partition, str(error), ROLE))
    return decoded


def _user_of(reading: dict[str, Any], record: Record) -> str:
    user_id = key_text(reading.get("tags", {}).get("user_id"))
    if user_id is None and record.key is not None:
        user_id = key_text(record.key.decode(errors="replace").replace("\0", ""))
    if user_id is None or len(user_id) > MAX_ID:
        raise BadRecordError(f"Expected a user in tags.user_id (at most {MAX_ID} characters), but got {user_id!r:.80}")
    return user_id


def _fix_of(reading: dict[str, Any], arrived: int) -> Fix:
    fields = reading.get("fields", {})
    try:
        at = point(fields.get("lat"), fields.get("lon"))
    except ShapeError as error:
        raise BadRecordError(f"{error} in fields") from None
    accuracy = fields.get("accuracy_m")
    if not isinstance(accuracy, int | float) or isinstance(accuracy, bool) or not accuracy >= 0:
        accuracy = 0.0
    own = plausible_us(reading.get("timestamp"), arrived * 1000)
    return Fix(at, arrived if own is None else min(arrived, own // 1000), float(accuracy))


def _message_of(reading: dict[str, Any], user_id: str, arrived: int, id_: str) -> Message:
    text, channel = reading.get("fields", {}).get("text"), reading.get("tags", {}).get("channel")
    if not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT:
        raise BadRecordError(f"Expected a text of 1 to {MAX_TEXT} characters in fields.text, but got {text!r:.80}")
    channel = key_text(channel)
    if channel is not None and len(channel) > MAX_ID:
        raise BadRecordError(f"Expected at most {MAX_ID} characters in tags.channel, but got {len(channel)}")
    return Message(id_, "in", "message", text, arrived, user_id, channel)
