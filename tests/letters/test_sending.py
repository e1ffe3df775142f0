"""Where a letter's record goes when it is retried, and what cannot be; without a broker."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from streams.core.ids import partition_for
from streams.deadletters import MAX_BYTES, DeadLetter
from streams.mqtt_routes import Routes
from streams.records import Headers
from streams.retries import Retry, arrived_ms
from streams.settings import Settings
from streams.topics import load_topics
from tests.poison import HEADERS
from weir.letters.letter import Fate, Letter, Place, read_record
from weir.letters.selection import Selection
from weir.letters.sending import NotRetryableError, Sending

TOPICS = load_topics(Settings(_env_file=None, topics_file=Path("redpanda/topics.yaml"), partitions=4))
READING = b'{"tags": {"device_id": "hp1"}, "fields": {"t": 1}}'
NOW_MS = 1_800_000_000_000


class Stored(NamedTuple):
    """A record on the topic."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    offset: int = 17
    timestamp: int = NOW_MS


def kept(**given: Any) -> Letter:
    """A letter as it comes back from the topic."""
    fields = {
        "topic": "process-commands",
        "partition": 3,
        "offset": 8,
        "key": b"pump-3",
        "value": b"{",
        "reason": "Not JSON",
        "role": "processor",
        "arrived_ms": NOW_MS - 60_000,
    }
    one = read_record(0, Stored(*DeadLetter(**{**fields, **given}).record(NOW_MS)))
    assert isinstance(one, Letter)
    return one


def again(letter: Letter) -> Any:
    (sent,) = Sending(TOPICS).again(letter)
    return sent


def test_a_letter_comes_back_as_it_was_written_whatever_headers_its_record_had() -> None:
    letter = kept(headers=HEADERS, definitions=("a", "b"))
    assert (letter.place, letter.source) == (Place(0, 17), ("process-commands", 3, 8))
    assert (letter.reason, letter.role, letter.time) == ("Not JSON", "processor", "2027-01-15T08:00:00.000Z")
    assert (letter.arrived_ms, letter.definitions, letter.cut) == (NOW_MS - 60_000, ("a", "b"), None)
    assert letter.headers == HEADERS
    alone = kept(headers=(("weir_cut", b"5"), ("weir_definitions", b"x")))
    assert (alone.cut, alone.definitions, len(alone.headers)) == (None, (), 2)


def test_a_record_that_is_no_letter_is_shown_and_not_sent_anywhere() -> None:
    stranger = read_record(0, Stored(b"k", b"v", (("weir_partition", b"1"), ("weir_topic", b"process-commands"))))
    assert isinstance(stranger, Letter)
    assert (stranger.source, stranger.role, len(stranger.headers)) == (None, "", 2)
    with pytest.raises(NotRetryableError, match="nobody of Weir has written it"):
        again(stranger)
    assert read_record(0, Stored(b"k", b"no JSON", (("weir_fate", b"dropped"),))) is None


def test_a_fate_goes_round() -> None:
    fate = Fate(letter="0:17", what="retried", by="me", time="2027-01-15T08:00:00.000Z", to=["process-commands"])
    assert read_record(0, Stored(*fate.record())) == fate


def test_a_command_goes_to_its_topic_under_its_key_and_is_a_new_one() -> None:
    headers = (("trace", b"7"), ("weir_hops", b"3"), ("weir_from", b"1:1"), ("no-value", None))
    tp, (key, value, sent) = again(kept(headers=headers))
    assert (tp, key, value) == (("process-commands", partition_for("pump-3", 4)), b"pump-3", b"{")
    assert sent == [("trace", b"7"), ("no-value", None), ("weir_retry_of", b"0:17")]
    assert again(kept(key=None))[0] == ("process-commands", 3)
    assert again(kept(key=b"\xff"))[0].partition in range(4)


def test_a_reading_goes_back_for_who_gave_it_up_and_keeps_its_age() -> None:
    letter = kept(topic="heatpump-telemetry", value=READING, role="router", definitions=("b", "a"))
    tp, (_, value, headers) = again(letter)
    assert (tp, value) == (("heatpump-telemetry", 3), READING)
    retry = Retry.of(headers)
    assert retry == Retry("0:17", "router", frozenset({"a", "b"}), NOW_MS - 60_000)
    assert arrived_ms(Stored(None, None, headers), retry) == NOW_MS - 60_000
    assert [retry.concerns(*one) for one in [("router",), ("router", "a"), ("router", "c"), ("projector",)]] == [
        True,
        True,
        False,
        False,
    ]


def test_nothing_makes_a_reading_younger_and_what_cannot_be_read_counts_as_absent() -> None:
    record = Stored(None, None, HEADERS)
    retry = Retry.of(HEADERS)
    assert retry == Retry("\N{REPLACEMENT CHARACTER}")
    assert arrived_ms(record, retry) == NOW_MS
    young = Retry("0:1", arrived_ms=NOW_MS + 1)
    assert arrived_ms(record, young) == NOW_MS
    assert Retry.of(()) is None


def test_what_came_over_mqtt_goes_where_the_bridge_would_carry_it() -> None:
    routes = Routes(TOPICS, {"heatpump-telemetry": 4})
    record = routes.dead_letter("home/heatpump/hp9/telemetry", READING, "too large once", NOW_MS)
    letter = read_record(0, Stored(record.key, record.value, record.headers))
    assert isinstance(letter, Letter)
    tp, (key, value, headers) = again(letter)
    assert (tp.topic, key, value) == ("heatpump-telemetry", b"hp1", READING)
    assert Retry.of(headers) == Retry("0:17", arrived_ms=NOW_MS)
    assert headers[0] == ("mqtt_topic", b"home/heatpump/hp9/telemetry")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"value": b"x" * MAX_BYTES, "key": b"k" * 999}, f"cut from {MAX_BYTES} to {MAX_BYTES - 999} bytes"),
        ({"topic": "process-events", "role": "actions"}, "only the processor writes to process-events"),
        ({"topic": "gone"}, "topics.yaml has no topic gone"),
        ({"topic": "heatpump-telemetry", "partition": 9}, "has 4 partitions, and it was in another"),
        ({"value": b"x" * 1_048_000}, "it has 10480"),
        ({"topic": "mqtt:home/heatpump/hp1/telemetry"}, "the bridge would refuse it again: Expected a reading"),
        ({"topic": "mqtt:home/other", "value": READING}, "no filter in topics.yaml asks for home/other"),
    ],
)
def test_what_cannot_go_again_says_why(given: dict[str, Any], why: str) -> None:
    with pytest.raises(NotRetryableError, match=why):
        again(kept(**given))


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ({}, True),
        ({"places": (Place(0, 17),)}, True),
        ({"places": (Place(0, 18),)}, False),
        ({"role": "processor", "topic": "process-commands", "reason": "not json"}, True),
        ({"role": "router"}, False),
        ({"topic": "mqtt:"}, False),
        ({"reason": "NUL"}, False),
        ({"since_ms": NOW_MS, "until_ms": NOW_MS + 1}, True),
        ({"until_ms": NOW_MS}, False),
        ({"since_ms": NOW_MS + 1}, False),
    ],
)
def test_a_selection_asks_for_what_it_names(asked: dict[str, Any], holds: bool) -> None:
    assert Selection(**asked).holds(kept()) is holds
    assert Selection(**asked).is_empty is (asked == {})


def test_letters_are_named_by_their_place() -> None:
    assert (Place.parse("0:17"), Place.parse("17"), str(Place(1, 2))) == (Place(0, 17), Place(0, 17), "1:2")
    for bad in ("", ":", "x", "1:", ":1", "1:2:3", "-1", "٣x"):
        with pytest.raises(ValueError, match="as <partition>:<offset>"):
            Place.parse(bad)
