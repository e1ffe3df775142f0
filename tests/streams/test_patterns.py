"""Patterns through router and processor: what is kept, what starts, what a restart and a new version change."""

import pytest

from streams.core.commands import ActivateDefinition, DeactivateDefinition, DeployDefinition, ObservePattern, WatchKeys
from streams.core.durations import instant, instant_text
from streams.core.ids import partition_for
from streams.core.matching import SETTLE_MS, UNDER_WAY_MS
from streams.core.parse import parse_definition
from streams.core.patterns.window import KEEP_MS
from tests.core.plant import START
from tests.streams.pattern_plant import PARTITIONS, PatternPlant, definition

MINUTE = 60_000
HOT = definition("condition: fields.t > 80, for: 5m")
ABSENT = definition("absent: 2m, keys: [a, b, c]", "gone")


def test_a_match_starts_the_process_and_tells_of_the_readings() -> None:
    plant = PatternPlant(HOT)
    plant.read("a", t=85)
    plant.later(MINUTE)
    plant.read("a", t=90.5)
    plant.later(10 * MINUTE)
    assert plant.started == [(300, "a")]
    [start] = plant.starts
    assert start.data["variables"] == {"device_id": "a", "t": 90.5, "limit": 80}
    assert start.data["trigger"] == {
        "type": "pattern",
        "topic": "heatpump-telemetry",
        "pattern": "for",
        "index": 0,
        "at": instant_text(START + 5 * MINUTE),
        "readings": [
            {"timestamp": instant_text(START), "values": {"fields.t": 85}},
            {"timestamp": instant_text(START + MINUTE), "values": {"fields.t": 90.5}},
        ],
    }
    assert (plant.rejections, plant.letters) == ([], [])


def test_each_key_has_a_window_of_its_own() -> None:
    plant = PatternPlant(HOT)
    plant.read("a", t=85)
    plant.later(MINUTE)
    plant.read("b", t=85)
    plant.later(MINUTE)
    plant.read("a", t=20)
    plant.later(10 * MINUTE)
    assert plant.started == [(360, "b")]


@pytest.mark.parametrize(
    ("trigger", "values", "seconds"),
    [
        ("condition: fields.t > 80, count: 3, within: 10m", [85, 20, 85, 85, 20], [180]),
        ("all: [fields.t > 80, fields.t < 90], count: 2, within: 10m", [85, 95, 85], [120]),
        ("any: [fields.t > 80, fields.t < 10], count: 2, within: 10m", [85, 5], [60]),
        ('sequence: ["fields.t > 80", "fields.t < 10"], within: 2m', [85, 50, 5, 85], [120]),
        ("deadband: {value: fields.t, on: 80, off: 75}", [85, 78, 85, 70, 85], [0, 240]),
        ("deadband: {value: fields.t, on: -5, off: 0}", [-6, -2, -6, 1, -6], [0, 240]),
        ("condition: fields.t > 80, re_alarm: 3m", [85, 85, 85, 85, 20], [0, 180]),
        ("absent: 90s, condition: fields.t > 80", [85, 20, 20, 85, 85], [90, 330]),
        ("condition: fields.t > 80, for: 1m, cooldown: 1h", [85, 85, 20, 85, 85], [60]),
        ("condition: fields.t > 80, re_alarm: 3m, cooldown: 3m", [85, 85, 85, 85, 20], [0, 180]),
    ],
)
def test_each_form(trigger: str, values: list[float], seconds: list[float]) -> None:
    plant = PatternPlant(definition(trigger + ", mode: parallel"))
    for value in values:
        plant.read("a", t=value)
        plant.later(MINUTE)
    plant.later(2 * MINUTE)
    assert [at for at, _ in plant.started] == seconds


def test_a_start_while_one_is_running_is_refused_as_always() -> None:
    waits = HOT.replace("type: service, action: log, message:", "type: timer, duration: 1h, name:").replace(
        ', name: "${device_id} ${t}"', ""
    )
    plant = PatternPlant(waits.replace("for: 5m", "re_alarm: 5m"))
    plant.read("a", t=85)
    plant.later(6 * MINUTE)
    assert plant.started == [(0, "a")]
    [refused] = plant.rejections
    assert (refused["reason"], refused["command_type"]) == ("already_running", "start_process")


@pytest.mark.parametrize("restarts", [[0], [1], [2, 3], [0, 1, 2, 3, 4]])
@pytest.mark.parametrize("trigger", ["condition: fields.t > 80, for: 3m", "absent: 90s", "count: 4, within: 1h"])
def test_a_restart_changes_nothing(trigger: str, restarts: list[int]) -> None:
    expected = _played(trigger, [])
    assert expected
    assert _played(trigger, restarts) == expected


def _played(trigger: str, restarts: list[int]) -> list[tuple[float, str]]:
    plant = PatternPlant(definition(trigger + ", mode: parallel"))
    for minute, value in enumerate([85, 85, 85, 85, None, None, 20]):
        if value is not None:
            plant.read("a", t=value)
        plant.later(MINUTE // 2)
        if minute in restarts:
            plant.restart()
        plant.later(MINUTE // 2)
    return plant.started


def test_what_is_overdue_at_a_restart_waits_for_the_readings_that_nobody_has_seen() -> None:
    plant = PatternPlant(definition("absent: 2m"), HOT.replace("id: hot", "id: hotter"))
    plant.read("a", t=85)
    plant.now += 4 * MINUTE  # nobody is there
    plant.restart()
    plant.later(SETTLE_MS - 1)
    assert plant.started == []
    for ago in (180, 90, 0):  # what waited meanwhile: there was no absence, and no five minutes of heat
        plant.read("a", t=20, ago=ago * 1_000)
    plant.later(2 * MINUTE)
    assert plant.started == []
    plant.now += 4 * MINUTE
    plant.restart()
    plant.later(SETTLE_MS)
    assert [key for _, key in plant.started] == ["a"]


def test_what_is_too_old_by_then_starts_nothing() -> None:
    plant = PatternPlant(definition("absent: 2m, max_age: 5m"))
    plant.read("a", t=85)
    plant.now += 60 * MINUTE
    plant.restart()
    plant.later(MINUTE)
    assert plant.started == []
    assert [one["reason"] for one in plant.rejections] == ["stale"]


def test_a_reading_that_is_older_than_max_age_is_not_shown_to_the_pattern() -> None:
    plant = PatternPlant(definition("condition: fields.t > 80, count: 2, within: 1h, max_age: 5m"))
    plant.read("a", t=85, ago=6 * MINUTE)
    plant.read("a", t=85)
    assert len(plant.shown) == 1
    wrong_clock = definition("condition: fields.t > 80, count: 2, within: 1h, max_age: 5m, device_time: false")
    plant = PatternPlant(wrong_clock)
    plant.read("a", t=85, ago=6 * MINUTE)
    plant.read("a", t=85, ago=600 * MINUTE)
    assert plant.started == [(0, "a")]


def test_late_readings_are_counted_and_change_nothing() -> None:
    plant = PatternPlant(definition("condition: fields.t > 80, for: 5m, lateness: 1m"))
    plant.read("a", t=85)
    plant.later(3 * MINUTE)
    plant.read("a", t=85)
    plant.read("a", t=20, ago=MINUTE + 1)
    assert plant.late == 1
    plant.later(3 * MINUTE + UNDER_WAY_MS - 1)
    assert plant.started == []  # after the delay, and the lateness
    plant.later(1)
    assert plant.started == [(300, "a")]
    plant = PatternPlant(definition("condition: fields.t > 80, for: 5m, lateness: 1m"))
    plant.read("a", t=85)
    plant.later(3 * MINUTE)
    plant.read("a", t=85)
    plant.read("a", t=20, ago=MINUTE)
    plant.later(4 * MINUTE)
    assert (plant.late, plant.started) == (0, [])


def test_what_does_not_matter_is_not_forwarded() -> None:
    counting = PatternPlant(definition("condition: fields.t > 80, count: 2, within: 1h"))
    counting.read("a", t=20)
    counting.read("a", x=20)
    assert counting.shown == []
    level = PatternPlant(HOT)
    level.read("a", t=20)
    level.read("a", x=20)
    assert [one["truths"] for one in level.shown] == [[False]]
    absent = PatternPlant(definition("condition: fields.t > 80, absent: 5m"))
    absent.read("a", x=20)
    assert [one["truths"] for one in absent.shown] == [[False]]


def test_what_cannot_be_asked_is_a_dead_letter() -> None:
    plant = PatternPlant(HOT)
    plant.read("a", t="warm")
    [reason] = plant.letters
    assert reason.startswith("hot version 1: ")
    required = HOT.replace("source: fields.t}", "source: fields.x, required: true}")
    plant = PatternPlant(required)
    plant.read("a", t=85)
    assert plant.letters == [
        "hot version 1: Expected a value for variable 't' at 'fields.x' of the reading, but there is none"
    ]
    plant = PatternPlant(required.replace("condition: fields.t > 80, for: 5m", "absent: 2m"))
    plant.read("a", t=85)
    assert (plant.letters, len(plant.shown)) == ([], 1)
    plant = PatternPlant(HOT)
    plant.read("a", t=85)
    large = HOT.replace("source: fields.t}", "source: fields}")
    plant = PatternPlant(large)
    plant.read("a", t=85, note="x" * 2_100)
    assert "Expected at most 2048 bytes of variables for a pattern, but got" in plant.letters[0]


def test_listed_keys_are_missed_though_they_were_never_seen() -> None:
    plant = PatternPlant()
    plant.deploy(ABSENT)
    plant.restart()  # with a table that knows nothing of them
    plant.later(MINUTE)
    plant.read("b", t=20)
    plant.read("other", t=20)
    plant.later(MINUTE + UNDER_WAY_MS)
    assert sorted(plant.started) == [(120, "a"), (120, "c")]
    assert plant.starts[0].data["variables"] == {"device_id": "a", "t": None, "limit": 80}
    plant.later(10 * MINUTE)
    assert sorted(key for _, key in plant.started) == ["a", "b", "c", "other"]


def test_listed_keys_are_missed_from_the_deployment_on() -> None:
    plant = PatternPlant()
    process = plant.deploy(ABSENT)
    plant.later(MINUTE)
    for key in ("a", "b", "c"):
        plant.send(WatchKeys(definition_id="gone", definition_version=process.version, trigger=0, keys=[key]))
    plant.later(MINUTE)
    assert plant.started == []
    plant.later(MINUTE + UNDER_WAY_MS)
    assert sorted(plant.started) == [(180, "a"), (180, "b"), (180, "c")]


@pytest.mark.parametrize(
    ("second", "starts"),
    [
        (definition("condition: fields.t > 80, for: 5m", version=2), [300]),
        (definition("condition: fields.t > 80, for: 5m, mode: parallel, max_age: 1h", version=2), [300]),
        (definition("condition: fields.t > 81, for: 5m", version=2), []),
        (definition("condition: fields.t > 80, for: 4m", version=2), []),
    ],
)
def test_a_new_version_keeps_the_windows_of_a_pattern_that_it_does_not_change(second: str, starts: list[float]) -> None:
    plant = PatternPlant(HOT)
    plant.read("a", t=85)
    plant.later(MINUTE)
    plant.deploy(second)
    plant.later(10 * MINUTE)
    assert [at for at, _ in plant.started] == starts
    assert len(plant.windows()) == len(starts)
    assert [one.definition_version for one in plant.starts] == [2] * len(starts)


def test_windows_of_patterns_that_are_gone_are_dropped_by_the_next_owner() -> None:
    plant = PatternPlant(definition("absent: 2m"), HOT.replace("id: hot", "id: hotter"))
    plant.read("a", t=85)
    plant.later(6 * MINUTE)
    assert len(plant.windows()) == 2
    plant.deploy(definition("absent: 3m", version=2))
    plant.restart()
    plant.later(1)
    assert list(plant.windows()) == ["pattern:hotter:0:a"]
    plant.off.add("hotter")
    plant.restart()
    plant.later(1)
    assert plant.windows() == {}


def test_a_deactivated_definition_starts_nothing() -> None:
    plant = PatternPlant(HOT)
    plant.read("a", t=85)
    plant.off.add("hot")
    plant.later(10 * MINUTE)
    assert (plant.started, plant.windows()) == ([], {})


def test_a_reading_for_a_version_that_another_has_replaced_is_left_out() -> None:
    plant = PatternPlant(HOT)
    old = ObservePattern(
        definition_id="hot", definition_version=1, trigger=0, key="a", at=instant(START), truths=[True]
    )
    plant.deploy(definition("condition: fields.t > 81, for: 5m", version=2))
    plant.send(old)
    assert (plant.windows(), plant.rejections) == ({}, [])
    plant.send(ObservePattern(**{name: getattr(old, name) for name in old.__struct_fields__} | {"trigger": 1}))
    assert [one["reason"] for one in plant.rejections] == ["unknown_pattern"]


def test_a_reading_from_the_future_is_one_of_now() -> None:
    plant = PatternPlant(HOT)
    future = instant(START + 1_000 * MINUTE)
    plant.send(ObservePattern(definition_id="hot", definition_version=1, trigger=0, key="a", at=future, truths=[True]))
    plant.later(6 * MINUTE)
    assert plant.started == [(300, "a")]


def test_a_key_that_is_quiet_and_well_is_forgotten() -> None:
    plant = PatternPlant(HOT)
    plant.read("a", t=20)
    assert list(plant.windows()) == ["pattern:hot:0:a"]
    plant.later(KEEP_MS + UNDER_WAY_MS)
    assert plant.windows() == {}


def test_what_a_pattern_keeps_of_a_key_is_small() -> None:
    plant = PatternPlant(definition("condition: fields.t > 80, count: 50, within: 1h, lateness: 1h"))
    for _ in range(300):
        plant.read("a", t=85, note="x" * 500)
        plant.later(1)
    [raw] = [value for table in plant.tables for key, value in table.items() if key.startswith(b"pattern:")]
    assert len(raw) < 16 * 1024


def test_a_deployment_has_listed_keys_watched_in_their_partitions() -> None:
    plant = PatternPlant()
    plant.send(DeployDefinition(definition=parse_definition(ABSENT).model_dump(mode="json")))
    watches = [one for one in plant.sent if one["type"] == "watch_keys"]
    assert sorted(key for one in watches for key in one["keys"]) == ["a", "b", "c"]
    assert [len({partition_for(key, PARTITIONS) for key in one["keys"]}) for one in watches] == [1] * len(watches)
    plant.deploy(ABSENT)  # as everybody learns from the topic
    for one in watches:
        plant.send(
            WatchKeys(**{name: one[name] for name in ("definition_id", "definition_version", "trigger", "keys")})
        )
    assert sorted(plant.windows()) == ["pattern:gone:0:a", "pattern:gone:0:b", "pattern:gone:0:c"]
    plant.off.add("gone")
    plant.send(DeactivateDefinition(definition_id="gone"))
    plant.off.clear()
    plant.send(ActivateDefinition(definition_id="gone"))
    assert len([one for one in plant.sent if one["type"] == "watch_keys"]) >= 2 * len(watches)
