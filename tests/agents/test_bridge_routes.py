import orjson
import pytest

from streams.core.ids import partition_for
from streams.deadletters import ours
from streams.mqtt_bridge import MAX_REQUEST_BYTES
from streams.mqtt_routes import Routes
from streams.settings import Settings
from streams.topics import Topic, Topics, load_topics
from tests.poison import Poison, poison

NOW_MS = 1_800_000_000_000


def topics(**filters: str | None) -> Topics:
    def plain(name: str) -> Topic:
        return Topic(name, 4, 1)

    telemetry = {name: Topic(name, 4, 1, mqtt=mqtt_filter) for name, mqtt_filter in filters.items()}
    return Topics(
        *map(plain, ("commands", "events", "changelog", "rejections", "definitions", "dead", "positions", "audit")),
        telemetry,
    )


def routes(**filters: str | None) -> Routes:
    return Routes(topics(**filters), dict.fromkeys(filters, 4))


@pytest.mark.parametrize(
    ("tags", "key"),
    [({"device_id": "pump 7"}, "pump 7"), ({"device_id": 42}, "42"), ({}, "hp1"), ({"device_id": None}, "hp1")],
)
def test_a_reading_goes_on_unchanged_under_its_device(tags: dict[str, object], key: str) -> None:
    payload = b' {"tags" : ' + orjson.dumps(tags) + b', "fields": {"t": 25.50}, "extra": 1}\n'
    [record] = routes(telemetry="home/+/telemetry").records("home/hp1/telemetry", payload, NOW_MS)
    assert record.value == payload
    assert (record.topic, record.key, record.partition) == ("telemetry", key.encode(), partition_for(key, 4))
    assert list(record.headers) == [("mqtt_topic", b"home/hp1/telemetry")]


def test_a_reading_goes_to_every_topic_whose_filter_matches() -> None:
    found = routes(pumps="plant/pump/+", all="plant/#", none=None).records("plant/pump/7", b"{}", NOW_MS)
    assert [(record.topic, record.key) for record in found] == [("pumps", b"7"), ("all", b"pump/7")]
    assert routes(pumps="plant/pump/+").records("plant/fan/7", b"{}", NOW_MS) == []


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "empty record"),
        (b"{", "as JSON"),
        (b"\xff\xfe", "as JSON"),
        (b"[1, 2]", "as a JSON object, but got list"),
        (b'{"tags": 3}', "an object in 'tags' of a reading, but got int"),
        (b'{"fields": [1]}', "an object in 'fields' of a reading, but got list"),
        (b'{"fields": {"t": NaN}}', "as JSON"),
        (b'{"tags": {"device_id": "a\\u0000b"}}', "U+0000"),
        (b'{"tags": {"device_id": "\\ud800"}}', "as JSON"),
        (b'{"fields": {"t": "' + b"x" * 300_000 + b'"}}', "at most 262144 bytes"),
    ],
)
def test_what_is_no_reading_is_a_dead_letter_with_its_reason(payload: bytes, reason: str) -> None:
    [record] = routes(telemetry="home/+/telemetry").records("home/hp1/telemetry", payload, NOW_MS)
    headers = dict(record.headers)
    assert (record.topic, record.partition, record.value) == ("dead", 0, payload)
    assert reason in headers["weir_reason"].decode()
    assert headers["weir_topic"] == b"mqtt:home/hp1/telemetry"
    assert (headers["weir_role"], headers["mqtt_topic"]) == (b"bridge", b"home/hp1/telemetry")


def test_a_giant_is_cut_and_says_so() -> None:
    payload = b"x" * (12 * 1024 * 1024)
    [record] = routes(telemetry="home/+/telemetry").records("home/hp1/telemetry", payload, NOW_MS)
    assert record.value is not None
    assert payload.startswith(record.value)
    beside = 2 * len("home/hp1/telemetry") + len("mqtt_topic")
    assert len(record.value) == 9 * 1024 * 1024 - beside
    assert f"cut from 12582912 to {len(record.value)} bytes" in ours(record.headers)["weir_reason"]


@pytest.mark.parametrize("device", [{"a": 1}, [1], True, "", "x" * 600])
def test_a_device_id_that_cannot_be_a_key_leaves_the_key_to_the_mqtt_topic(device: object) -> None:
    payload = orjson.dumps({"tags": {"device_id": device}})
    [record] = routes(telemetry="home/+/telemetry").records("home/hp1/telemetry", payload, NOW_MS)
    assert (record.topic, record.key) == ("telemetry", b"hp1")


@pytest.mark.parametrize("bad", poison(b'{"tags": {"device_id": "a"}, "fields": {"t": @}}'), ids=lambda bad: bad.name)
def test_poison_is_a_dead_letter(bad: Poison) -> None:
    [record] = routes(telemetry="home/+").records("home/hp1", bad.value or b"", NOW_MS)
    assert (record.topic, record.value) == ("dead", bad.value or b"")
    assert any(told in ours(record.headers)["weir_reason"] for told in bad.told.split("|")), ours(record.headers)


def test_the_largest_message_with_the_longest_topic_fits_as_a_dead_letter() -> None:
    """Else the bridge would end over it, and get it again, for ever."""
    mqtt_topic = "home/" + "x" * (65_535 - 5)
    [record] = routes(telemetry="home/+").records(mqtt_topic, b"y" * 12_000_000, NOW_MS)
    assert record.value is not None
    assert record.key is not None
    headers = sum(len(name) + len(content or b"") for name, content in record.headers)
    size = len(record.key) + len(record.value) + headers + 10_000
    limit = load_topics(Settings(_env_file=None)).dead_letters.config["max.message.bytes"]
    assert size < min(MAX_REQUEST_BYTES, int(limit))
