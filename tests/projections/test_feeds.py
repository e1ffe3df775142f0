from typing import get_args

import orjson
import pytest

from projections.binary_copy import EPOCH_UNIX_US
from projections.errors import BrokenRecordError, UpgradeNeededError
from projections.feeds import FEEDS, FeedName, definitions, events, telemetry
from streams.core.clock import PlantClock
from streams.core.device_time import AHEAD_US, device_us
from streams.retries import Retry
from streams.transport.port import TopicPartition
from tests.poison import Poison, poison
from tests.projections.story import DEFINITIONS, EVENTS, T0, TELEMETRY, FakeRecord, Story, cooling, numbered

WALL = PlantClock()
US = 1000
EVENT_TP, TELEMETRY_TP = TopicPartition(EVENTS, 0), TopicPartition(TELEMETRY, 3)


def reading(timestamp: object = T0, **parts: object) -> bytes:
    return orjson.dumps(
        {"tags": {"device_id": "hp-1"}, "fields": {"flow_temp_c": 91.5}, "timestamp": timestamp} | parts
    )


def test_every_feed_is_registered() -> None:
    assert set(FEEDS) == set(get_args(FeedName))
    assert all(feed.name == name for name, feed in FEEDS.items())


def test_events_keep_their_data_as_it_came() -> None:
    story = cooling("a")
    decoded = events.decode(EVENT_TP, numbered(story.values), WALL)
    assert [item.event.seq for item in decoded.items] == list(range(1, 16))
    assert bytes(decoded.items[11].event.data) == b'{"name":"temperature","value":88.25,"previous":91.5}'
    assert all(item.instance.hex() == story.id.replace("-", "") for item in decoded.items)


def test_events_of_keys_and_definitions_concern_no_table() -> None:
    story = Story("a").tell("signal_buffered")
    values = []
    for subject in ("key:hp-1", "definition:temperature-control", "key:a:b"):
        story.events[0].subject = subject
        values += story.values
    decoded = events.decode(EVENT_TP, numbered(values), WALL)
    assert (decoded.items, decoded.records, decoded.refused) == ([], [], [])


@pytest.mark.parametrize(
    "value",
    [None, b"", b"no json", b"[]", b"{}", b'{"v":1,"type":"started"}', cooling("a").values[0].replace(b"-", b"x")],
)
def test_what_is_no_event_stops_the_projector(value: bytes | None) -> None:
    with pytest.raises(BrokenRecordError, match=r"process-events/0 offset 7: Expected an event, but got"):
        events.decode(EVENT_TP, numbered([value], first=7), WALL)


def test_an_event_of_a_newer_weir_asks_for_an_upgrade() -> None:
    value = cooling("a").values[0].replace(b'"v":1', b'"v":2')
    with pytest.raises(UpgradeNeededError, match=r"offset 0: .* has format v2: upgrade"):
        events.decode(EVENT_TP, numbered([value]), WALL)


def test_an_unknown_type_of_event_asks_for_an_upgrade() -> None:
    with pytest.raises(UpgradeNeededError, match=r"got 'teleported': upgrade"):
        events.decode(EVENT_TP, numbered(Story("a").tell("teleported").values), WALL)


def test_definitions() -> None:
    value = orjson.dumps(
        {
            "v": 1,
            "id": "d",
            "version": 3,
            "hash": "h",
            "name": "D",
            "definition": {"id": "d"},
            "deployed_at": "2026-09-21T14:13:20Z",
        }
    )
    [item] = definitions.decode(TopicPartition(DEFINITIONS, 0), numbered([value]), WALL).items
    assert (item.id, item.version, bytes(item.definition)) == ("d", 3, b'{"id":"d"}')
    with pytest.raises(UpgradeNeededError, match="d:3 has format v2"):
        definitions.decode(TopicPartition(DEFINITIONS, 0), numbered([value.replace(b'"v":1', b'"v":2')]), WALL)
    with pytest.raises(BrokenRecordError, match=r"process-definitions/0 offset 0: Expected a definition"):
        definitions.decode(TopicPartition(DEFINITIONS, 0), numbered([None]), WALL)


def test_a_reading() -> None:
    [item] = telemetry.decode(TELEMETRY_TP, numbered([reading(T0 - 5_000)], first=42), WALL).items
    assert item == telemetry.Reading(
        (T0 - 5_000) * US - EPOCH_UNIX_US,
        T0 * US - EPOCH_UNIX_US,
        TELEMETRY,
        3,
        42,
        "hp-1",
        b'{"device_id":"hp-1"}',
        b'{"flow_temp_c":91.5}',
    )


@pytest.mark.parametrize(
    "timestamp", [None, "soon", 0, 3600, "1970-01-01T00:01:00Z", 1e300, T0 + AHEAD_US // US + 1, "2099-01-01T00:00:00Z"]
)
def test_a_device_without_a_sane_time_gets_that_of_arrival(timestamp: object) -> None:
    [item] = telemetry.decode(TELEMETRY_TP, numbered([reading(timestamp)]), WALL).items
    assert item.time_us == item.arrived_us == T0 * US - EPOCH_UNIX_US


def test_arrival_is_plant_time() -> None:
    clock = PlantClock.parse("2013-12-10T06:25:00Z@2026-09-21T14:13:00Zx3000")
    [item] = telemetry.decode(TELEMETRY_TP, numbered([reading("2013-12-10T20:00:00Z")]), clock).items
    arrived = device_us("2013-12-10T23:05:00Z")  # 20 s after the epoch, 3000 times as fast
    assert arrived is not None
    assert item.arrived_us == arrived - EPOCH_UNIX_US
    assert item.time_us == item.arrived_us - 3 * 3600 * 1_000_000 - 5 * 60 * 1_000_000


@pytest.mark.parametrize(
    ("device", "expected"), [("hp", "hp"), (7, "7"), (2.5, "2.5"), (None, None), ([1], None), (True, None)]
)
def test_device_ids_are_text(device: object, expected: str | None) -> None:
    [item] = telemetry.decode(TELEMETRY_TP, numbered([reading(tags={"device_id": device})]), WALL).items
    assert item.device_id == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty record"),
        (b"", "empty record"),
        (b"{broken", "as JSON"),
        (b"[1]", "got list"),
        (b'{"fields":{"x":NaN}}', "as JSON"),
        (b'{"fields":{"x":1e999}}', "infinity"),
        (b'{"fields":{"x":"\\u0000"}}', r"U\+0000"),
        (b'{"fields":{"x":"\\ud800"}}', "surrogate"),
        (b'{"fields":{"x":"\xff"}}', "UTF-8"),
        (b'{"fields":[]}', "'fields' of a reading, but got list"),
        (b'{"tags":"hp","fields":{}}', "'tags' of a reading, but got str"),
        (b'{"fields":{"x":"' + b"x" * 5_000_000 + b'"}}', "at most 262144 bytes"),
    ],
)
def test_what_is_no_reading_is_refused(value: bytes | None, reason: str) -> None:
    decoded = telemetry.decode(TELEMETRY_TP, numbered([reading(), value, reading()]), WALL)
    assert [record.offset for record in decoded.records] == [item.offset for item in decoded.items] == [0, 2]
    [refused] = decoded.refused
    assert refused.record.offset == 1
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(refused.reason)


@pytest.mark.parametrize("timestamp", [None, -1, 0, 2**60])
def test_a_record_without_a_usable_time_of_arrival_is_refused(timestamp: int | None) -> None:
    record = FakeRecord(reading(), timestamp=timestamp)  # type: ignore[arg-type]
    [refused] = telemetry.decode(TELEMETRY_TP, [record], WALL).refused
    assert "the time it was written" in refused.reason


@pytest.mark.parametrize("bad", poison(b'{"tags": {"device_id": "a"}, "fields": {"t": @}}'), ids=lambda bad: bad.name)
def test_poison_is_refused_and_the_rest_is_projected(bad: Poison) -> None:
    decoded = telemetry.decode(TELEMETRY_TP, numbered([reading(T0), bad.value, reading(T0)]), WALL)
    assert [item.offset for item in decoded.items] == [0, 2]
    [refused] = decoded.refused
    assert any(told in refused.reason for told in bad.told.split("|")), refused.reason


def test_a_retried_reading_arrived_when_it_first_did_and_is_for_whom_it_failed() -> None:
    own = FakeRecord(reading(None), 0, headers=Retry("0:1", "projector", arrived_ms=T0 - 60_000).headers())
    other = FakeRecord(reading(None), 1, headers=Retry("0:2", "router", arrived_ms=T0 - 60_000).headers())
    [item] = telemetry.decode(TELEMETRY_TP, [own, other], WALL).items
    assert item.time_us == item.arrived_us == (T0 - 60_000) * US - EPOCH_UNIX_US
