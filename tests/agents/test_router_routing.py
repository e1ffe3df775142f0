"""The pure part of the router: readings in, commands out."""

from typing import Any, NamedTuple

import orjson
import pytest

from streams.codec import decode_command
from streams.core.clock import PlantClock
from streams.core.commands import Observe, StartProcess, TopicCommand
from streams.core.durations import instant, instant_text
from streams.core.ids import partition_for
from streams.core.parse import parse_definition
from streams.core.process import Process, compile_process
from streams.deadletters import ours
from streams.retries import Retry
from streams.routing import Routed, Router
from streams.topics import Topic, Topics
from tests.poison import HEADERS, KEYS, Poison, poison

NOW_MS = 1_800_000_000_000
TAKEN = "2027-01-15T07:59:59.500Z"
"""Half a second before."""
PARTITIONS = 16

ALARM = """
id: {id}
name: Alarm
version: 1
trigger:
  type: redpanda
  topic: telemetry
  {trigger}
variables:
  - name: temperature
    source: fields.t
    {variable}
activities:
  - id: start
    type: start
  - id: end
    type: end
"""


def process(
    name: str = "alarm", trigger: str = "condition: fields.t > 90", variable: str = "live: true", version: int = 1
) -> Process:
    text = ALARM.format(id=name, trigger=trigger, variable=variable).replace("version: 1", f"version: {version}")
    return compile_process(parse_definition(text))


class Deployed:
    """Definitions in memory."""

    def __init__(self, *processes: Process) -> None:
        self.processes = list(processes)
        self.generation = 1

    def deploy(self, one: Process) -> None:
        self.processes.append(one)
        self.generation += 1

    def all(self) -> list[Process]:
        return self.processes

    def active(self) -> list[Process]:
        newest: dict[str, Process] = {}
        for one in self.processes:
            if one.id not in newest or newest[one.id].version < one.version:
                newest[one.id] = one
        return list(newest.values())


class Reading(NamedTuple):
    key: bytes | None
    value: bytes | None
    offset: int
    timestamp: int = NOW_MS
    headers: tuple[tuple[str, bytes], ...] = ()


def topics() -> Topics:
    names = ("commands", "events", "changelog", "rejections", "definitions", "dead", "positions", "audit")
    return Topics(*[Topic(name, PARTITIONS, 1) for name in names], {"telemetry": Topic("telemetry", 4, 1)})


def router(*processes: Process, clock: str = "wall") -> Router:
    return Router(topics(), Deployed(*processes), PlantClock.parse(clock))


def reading(
    t: Any, device: Any = "pump-1", offset: int = 7, key: bytes | None = b"record-key", taken: Any = TAKEN, **more: Any
) -> Reading:
    taken = instant_text(taken) if isinstance(taken, int) else taken
    tags = {} if device is None else {"device_id": device}
    value = {"tags": tags, "fields": {"t": t}, "timestamp": taken}
    return Reading(key, orjson.dumps(value), offset, **more)


def route(one: Router, *readings: Reading, now_ms: float = NOW_MS) -> Routed:
    return one.route("telemetry", 2, readings, now_ms)


def commands(routed: Routed) -> list[TopicCommand]:
    return [decode_command(value) for topic, _, _, value, _ in routed.outputs if topic == "commands"]


def dead(routed: Routed) -> list[str]:
    return [dict(headers)["weir_reason"].decode() for topic, *_, headers in routed.outputs if topic == "dead"]


def test_a_reading_starts_a_process_pinned_to_its_version() -> None:
    routed = route(router(process(version=3, variable="live: false")), reading(95.5))
    assert commands(routed) == [
        StartProcess(
            definition_id="alarm",
            definition_version=3,
            key="pump-1",
            variables={"temperature": 95.5},
            trigger={
                "type": "redpanda",
                "topic": "telemetry",
                "partition": 2,
                "offset": 7,
                "timestamp": TAKEN,
            },
            not_after=instant(NOW_MS - 500 + 600_000),
        )
    ]
    [(topic, partition, key, _, headers)] = routed.outputs
    assert (topic, partition, key, headers) == ("commands", partition_for("pump-1", PARTITIONS), b"pump-1", ())
    assert (routed.counts.readings, routed.counts.started, routed.counts.observed) == (1, 1, 0)


def test_nothing_matched_leads_to_nothing() -> None:
    routed = route(router(process(variable="live: false")), reading(90), reading(None), reading(12))
    assert routed.outputs == []
    assert (routed.counts.readings, routed.counts.started, routed.counts.absent) == (3, 0, 1)
    assert route(router(), reading(95)).outputs == []


def test_live_variables_get_the_last_reading_of_a_batch_after_the_starts() -> None:
    routed = route(
        router(process()),
        reading(95, "a", 1),
        reading(20, "b", 2),
        reading(96, "a", 3),
        reading(30, "a", 4),
        reading(21, "b", 5),
    )
    found = [(type(one).__name__, one.key, one.variables if isinstance(one, StartProcess) else one.reading["fields"])
             for one in commands(routed) if isinstance(one, StartProcess | Observe)]  # fmt: skip
    assert found == [
        ("StartProcess", "a", {"temperature": 95}),
        ("StartProcess", "a", {"temperature": 96}),
        ("Observe", "a", {"t": 30}),
        ("Observe", "b", {"t": 21}),
    ]
    assert routed.counts.observed == 2


def test_the_business_key_is_that_of_the_trigger_else_the_device_else_the_record() -> None:
    one = router(process(trigger="key: fields.t", variable="live: true"))
    routed = route(one, reading(5.0))
    assert [command.key for command in commands(routed)] == ["5", "5"]
    assert [key for _, _, key, _, _ in routed.outputs] == [b"5", b"5"]
    plain = router(process())
    assert [command.key for command in commands(route(plain, reading(95, 7)))] == ["7", "7"]
    assert [command.key for command in commands(route(plain, reading(95, None)))] == ["record-key", "record-key"]


@pytest.mark.parametrize("key", [None, b"\xff\xfe"])
def test_without_a_key_the_start_goes_by_its_cause_and_nothing_is_observed(key: bytes | None) -> None:
    routed = route(router(process()), reading(95, None, offset=7, key=key))
    assert [(type(one), one.key) for one in commands(routed)] == [(StartProcess, None)]
    [(_, partition, record_key, _, _)] = routed.outputs
    assert (partition, record_key) == (partition_for("telemetry/2/7/alarm", PARTITIONS), None)


def test_two_ways_to_find_the_key_observe_under_both() -> None:
    rooms = process("rooms", trigger="key: fields.t")
    routed = route(router(process(trigger="condition: fields.t > 1000"), rooms), reading(21, "a"))
    observed = [command.key for command in commands(routed) if isinstance(command, Observe)]
    assert sorted(observed) == ["21", "a"]


def test_starts_look_at_the_newest_version_and_live_variables_at_every_one() -> None:
    old = process(version=1)
    new = process(version=2, trigger="condition: fields.t > 1000", variable="live: false")
    assert [type(one) for one in commands(route(router(old, new), reading(95)))] == [Observe]


def test_a_definition_deployed_while_running_counts_at_once() -> None:
    deployed = Deployed()
    one = Router(topics(), deployed, PlantClock())
    assert route(one, reading(95)).outputs == []
    deployed.deploy(process(variable="live: false"))
    assert route(one, reading(95)).counts.started == 1


def test_priority_decides_who_starts_first() -> None:
    low = process("a-low", trigger="priority: -5", variable="live: false")
    high = process("z-high", trigger="priority: 5", variable="live: false")
    routed = route(router(low, high), reading(1))
    assert [one.definition_id for one in commands(routed)] == ["z-high", "a-low"]


@pytest.mark.parametrize(
    ("clock", "age_ms", "started"),
    [
        ("wall", 59_999, 1),
        ("wall", 60_001, 0),
        ("2013-12-10T06:25:00Z@2026-11-21T02:00:00Zx3000", 19, 1),
        ("2013-12-10T06:25:00Z@2026-11-21T02:00:00Zx3000", 21, 0),
    ],
)
def test_a_reading_older_than_max_age_starts_nothing(clock: str, age_ms: int, started: int) -> None:
    one = router(process(trigger="max_age: 1m"), clock=clock)
    arrived = PlantClock.parse(clock).plant_ms(NOW_MS)
    routed = route(one, reading(95, timestamp=NOW_MS, taken=arrived), now_ms=NOW_MS + age_ms)
    assert (routed.counts.started, routed.counts.stale, routed.counts.observed) == (started, 1 - started, 1)
    assert routed.counts.late == 0


MINUTE_MS = 60_000


@pytest.mark.parametrize(
    ("taken", "trigger", "not_after_ms", "late"),
    [
        pytest.param(NOW_MS - 59_000, "max_age: 1m", 1_000, 0, id="within"),
        pytest.param(NOW_MS - 61_000, "max_age: 1m", None, 1, id="kept by the MQTT broker"),
        pytest.param(NOW_MS - 61_000, "{max_age: 1m, device_time: false}", MINUTE_MS, 0, id="not asked"),
        pytest.param(NOW_MS + 61_000, "max_age: 1m", MINUTE_MS, 0, id="a clock that is fast"),
        pytest.param("1970-01-01T00:01:00Z", "max_age: 1m", MINUTE_MS, 0, id="a clock that was never set"),
        pytest.param(None, "max_age: 1m", MINUTE_MS, 0, id="no clock"),
        pytest.param("yesterday", "max_age: 1m", MINUTE_MS, 0, id="no time"),
    ],
)
def test_a_reading_is_as_old_as_it_says_or_as_its_arrival_says(
    taken: Any, trigger: str, not_after_ms: int | None, late: int
) -> None:
    """What is older counts; and the start holds until the reading is too old."""
    one = process(trigger=trigger.strip("{}").replace(", ", "\n  "), variable="live: false")
    routed = route(router(one), reading(95, taken=taken))
    found = [command.not_after for command in commands(routed) if isinstance(command, StartProcess)]
    assert found == ([] if not_after_ms is None else [instant(NOW_MS + not_after_ms)])
    assert (routed.counts.stale, routed.counts.late) == (late, late)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty record"),
        (b"{", "as JSON"),
        (b"[]", "as a JSON object"),
        (b'{"tags": 1}', "'tags'"),
        (b'{"fields": {"t": NaN}}', "as JSON"),
        (b'{"fields": {"t": "\\u0000"}}', "U+0000"),
        (b'{"fields": {"t": "' + b"x" * 300_000 + b'"}}', "at most 262144 bytes"),
    ],
)
def test_a_record_that_is_no_reading_is_a_dead_letter_and_the_rest_goes_on(value: bytes | None, reason: str) -> None:
    bad = Reading(b"k", value, 5, headers=(("mqtt_topic", b"home/1"),))
    routed = route(router(process(variable="live: false")), reading(95, "a", 4), bad, reading(96, "b", 6))
    assert [one.key for one in commands(routed)] == ["a", "b"]
    assert [reason in text for text in dead(routed)] == [True]
    [letter] = [output for output in routed.outputs if output[0] == "dead"]
    headers = dict(letter[4])
    assert letter[:4] == ("dead", 0, b"k", value)
    assert (headers["weir_topic"], headers["weir_partition"], headers["weir_offset"]) == (b"telemetry", b"2", b"5")
    assert (headers["weir_role"], headers["mqtt_topic"]) == (b"router", b"home/1")
    assert routed.counts.dead == 1


def test_an_expression_that_fails_names_the_definition_and_hinders_no_other() -> None:
    broken = process("broken", trigger="condition: fields.t + 1 > 90", variable="live: false")
    routed = route(router(broken, process("sound", trigger="priority: -1", variable="live: false")), reading("warm"))
    assert [one.definition_id for one in commands(routed)] == ["sound"]
    [reason] = dead(routed)
    assert reason.startswith("broken version 1: ")


def test_a_required_variable_that_is_absent_is_named() -> None:
    one = process(trigger="priority: 0", variable="required: true")
    routed = route(router(one), Reading(b"k", b'{"tags": {"device_id": "a"}}', 1))
    assert [type(command) for command in commands(routed)] == [Observe]
    [reason] = dead(routed)
    assert reason.startswith("alarm version 1: ")
    assert "'temperature'" in reason
    assert "fields.t" in reason


def test_a_command_that_would_be_too_large_is_a_dead_letter() -> None:
    value = b'{"tags": {"device_id": "a"}, "fields": {"t": "' + b"x" * (262_144 - 60) + b'"}}'
    assert len(value) <= 262_144
    routed = route(router(process(trigger="priority: 0")), Reading(b"k", value, 1))
    assert commands(routed) == []
    assert len(dead(routed)) == 2
    assert all("at most 262144 bytes" in reason for reason in dead(routed))


def test_a_bug_of_ours_costs_one_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    one = process(variable="live: false")
    original = type(one.triggers[0]).key_of

    def key_of(self: Any, reading: dict[str, Any], record_key: str | None) -> str | None:
        if reading["fields"]["t"] == 96:
            raise RuntimeError("a bug")
        return original(self, reading, record_key)

    monkeypatch.setattr(type(one.triggers[0]), "key_of", key_of)
    routed = route(router(one), reading(95, "a", 1), reading(96, "b", 2), reading(97, "c", 3))
    assert [command.key for command in commands(routed)] == ["a", "c"]
    assert dead(routed) == ["RuntimeError: a bug"]


@pytest.mark.parametrize("bad", poison(b'{"tags": {"device_id": "b"}, "fields": {"t": @}}'), ids=lambda bad: bad.name)
@pytest.mark.parametrize("variable", ["live: true", "live: false"])
def test_poison_is_a_dead_letter_and_the_rest_goes_on(bad: Poison, variable: str) -> None:
    one = router(process(variable=variable))
    routed = route(one, reading(95, "a", 1), Reading(b"k", bad.value, 2), reading(96, "c", 3))
    assert [command.key for command in commands(routed) if isinstance(command, StartProcess)] == ["a", "c"]
    [reason] = dead(routed)
    assert any(told in reason for told in bad.told.split("|")), reason


@pytest.mark.parametrize("key", KEYS)
def test_keys_and_headers_may_be_anything(key: bytes | None) -> None:
    """A key that is none at all (U+0000) makes a dead letter, as it would anywhere in the reading."""
    routed = route(router(process()), Reading(key, b'{"fields": {"t": 95}}', 1, headers=HEADERS), reading(96, "c", 2))
    assert commands(routed)[-1].key == "c"  # type: ignore[union-attr]
    assert len(dead(routed)) == (1 if key == b"\0" else 0)


@pytest.mark.parametrize(("timestamp", "keys"), [(-1, ["c"]), (0, ["c"]), (2**62, ["a", "c"])])
def test_a_record_of_an_absurd_time_is_old_or_of_now(timestamp: int, keys: list[str]) -> None:
    one = router(process(variable="live: false"))
    routed = route(one, reading(95, "a", 1, taken=None, timestamp=timestamp), reading(96, "c", taken=None))
    starts = [command for command in commands(routed) if isinstance(command, StartProcess)]
    assert [start.key for start in starts] == keys
    assert {start.not_after for start in starts} == {instant(NOW_MS + 600_000)}


RETRIED = (("mqtt_topic", b"home/1"), *Retry("0:5", "router", frozenset({"alarm"}), NOW_MS - 30_000).headers())


def test_a_retried_reading_is_for_whom_it_failed_and_as_old_as_it_was() -> None:
    alarm = process(trigger="max_age: 1m")
    one = router(alarm, process("other", trigger="max_age: 1m"))
    routed = route(one, reading(95, headers=RETRIED))
    [start] = commands(routed)
    assert isinstance(start, StartProcess)
    assert (start.definition_id, start.not_after) == ("alarm", instant(NOW_MS + 30_000))
    late = route(one, reading(95, headers=RETRIED), now_ms=NOW_MS + 30_001)
    assert (late.outputs, late.counts.stale) == ([], 1)
    of_projector = Retry("0:6", "projector").headers()
    assert route(one, reading(95, headers=of_projector)).outputs == []
    assert len(route(one, reading(95, headers=Retry("0:6").headers())).outputs) == 2


def test_the_letter_names_the_definitions_that_failed_and_keeps_the_first_arrival() -> None:
    broken = process("broken", trigger="condition: fields.t + 1 > 90", variable="live: false")
    headers = Retry("0:5", "router", frozenset({"broken"}), NOW_MS - 30_000).headers()
    routed = route(router(broken, process("sound", variable="live: false")), reading("warm", headers=headers))
    [letter] = [output for output in routed.outputs if output[0] == "dead"]
    found = ours(letter[4])
    assert (found["weir_definitions"], found["weir_arrived"]) == ("broken", str(NOW_MS - 30_000))


MQTT = {"home/+/telemetry": "telemetry"}


def mqtt_process(trigger: str = "topic: home/hp1/+, condition: fields.t > 90") -> Process:
    text = ALARM.format(id="alarm", trigger="", variable="live: true")
    text = text.replace("type: redpanda\n  topic: telemetry", "type: mqtt\n  " + trigger.replace(", ", "\n  "))
    return compile_process(parse_definition(text), MQTT)


def over_mqtt(topic: str, t: float = 95.0) -> Reading:
    return reading(t, headers=(("mqtt_topic", topic.encode()),))


def test_a_message_on_an_mqtt_topic_starts_a_process() -> None:
    routed = route(
        router(mqtt_process("topic: home/hp1/telemetry, condition: fields.t > 90")),
        over_mqtt("home/hp1/telemetry"),
        over_mqtt("home/hp2/telemetry"),
        over_mqtt("home/hp1/telemetry", 80),
        reading(95),
    )
    start, *rest = commands(routed)
    assert isinstance(start, StartProcess)
    assert (start.key, start.trigger["type"], start.variables) == ("pump-1", "mqtt", {"temperature": 95.0})
    assert not any(isinstance(one, StartProcess) for one in rest)
    assert [one.topic for one in rest if isinstance(one, Observe)] == ["telemetry"], "its variables stay live"


def test_an_mqtt_trigger_that_no_route_covers_hears_nothing() -> None:
    assert route(router(mqtt_process("topic: home/#")), over_mqtt("home/hp1/telemetry")).outputs == []
