"""What people do who are on the move: where they say they are, and what they write; one function for each."""

from typing import Any

import orjson

from streams.core.ids import partition_for
from streams.station.decoding import POSITIONS
from streams.station.decoding import ROLE as STATION
from streams.topics import STATION_INPUTS
from streams.transport.port import TopicPartition
from tests.simulation.clock import EPOCH
from tests.simulation.load import Load
from tests.simulation.rooms import PLACES, WORDS
from tests.simulation.site import PARTITIONS
from tests.station.world import HOME
from weir.verify.sent import Poison

MESSAGES = "messages"
STEPS, WALK_S = (3, 6), 3.0
EARLIER_MS = 3_000
BAD_RECORDS = (
    b"{",
    b'{"tags":{"user_id":"a"},"fields":{}}',
    b'{"tags":{"user_id":"a"},"fields":{"lat":91,"lon":0,"text":""}}',
    b'{"tags":{"user_id":"\\u0000"},"fields":{"lat":1,"lon":1,"text":"?"}}',
)


def walk(load: Load) -> None:
    """Some positions on the way, with the times of a device; now and then one that has waited longer than others."""
    user, loop = load.key(), load.world.loop
    for _ in range(load.random.randint(*STEPS)):
        place = load.random.choice(("inside", "inside", "edge", "away", "away"))
        load.under_way += 1
        earlier_ms = load.random.choice((0, 0, 0, 0, 0, EARLIER_MS))
        loop.call_later(load.random.uniform(0.0, WALK_S), _be, load, user, place, earlier_ms)


def _be(load: Load, user: str, place: str, earlier_ms: int) -> None:
    load.under_way -= 1
    time_ms = int((EPOCH + load.world.loop.now) * 1000) - earlier_ms
    fields = {"lat": HOME.lat + PLACES[place], "lon": HOME.lon}
    _send(load, POSITIONS, user, {"tags": {"user_id": user}, "fields": fields, "timestamp": time_ms})


def write(load: Load) -> None:
    user, channel = load.key(), load.random.choice(("night", None))
    text = f"{load.random.choice(WORDS)}, {load.count()}"
    _send(load, MESSAGES, user, {"tags": {"user_id": user, "channel": channel}, "fields": {"text": text}})


def bad_record(load: Load) -> None:
    """What can neither be a position nor a message."""
    value = load.random.choice(BAD_RECORDS)
    tp = TopicPartition(load.random.choice(STATION_INPUTS), load.random.randrange(PARTITIONS))

    def acknowledged(offset: int) -> None:
        load.sent.poison.append(Poison(tp.topic, tp.partition, offset, value, (STATION,)))

    load.append(tp, (b"a", value, ()), acknowledged)


def _send(load: Load, topic: str, user: str, reading: dict[str, Any]) -> None:
    tp = TopicPartition(topic, partition_for(user, PARTITIONS))
    load.append(tp, (user.encode(), orjson.dumps(reading), ()), lambda _offset: None)  # the log tells what there is
