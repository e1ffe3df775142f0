"""``timer``: for how long, or until when."""

from datetime import datetime

import pytest

from streams.core.builder import Process
from streams.core.durations import instant_ms, instant_text
from streams.core.parse import parse_definition
from streams.core.state import Finished, Instance
from tests.core.plant import START, Plant, fold

assert instant_text(START) == "2013-12-10T06:25:00.000Z"


def plant_with(timer: str) -> Plant:
    return Plant(f"""
id: x
trigger: {{type: api}}
variables: [{{name: minutes, value: 90}}, {{name: deadline, type: string}}]
activities:
  - {{id: wait, type: timer, {timer}}}
""")


@pytest.mark.parametrize(
    ("timer", "due"),
    [
        ("duration: 5m", "2013-12-10T06:30:00.000Z"),
        ("duration: '${minutes}m'", "2013-12-10T07:55:00.000Z"),
        ("duration: '${minutes / 60}h30m'", "2013-12-10T08:25:00.000Z"),
        ("until: '06:30'", "2013-12-10T06:30:00.000Z"),
        ("until: '06:25'", "2013-12-11T06:25:00.000Z"),
        ("until: '07:30', time_zone: Europe/Berlin", "2013-12-10T06:30:00.000Z"),
        ("until: '07:00', time_zone: Europe/Berlin", "2013-12-11T06:00:00.000Z"),
        ("until: '2014-01-01T00:00', time_zone: Asia/Tokyo", "2013-12-31T15:00:00.000Z"),
        ("until: '2014-01-01T00:00:00+02:00', time_zone: Asia/Tokyo", "2013-12-31T22:00:00.000Z"),
        ("until: '${deadline}'", "2013-12-24T18:00:00.000Z"),
    ],
)
def test_when_it_is_over(timer: str, due: str) -> None:
    plant = plant_with(timer)
    instance = plant.start("x", deadline="2013-12-24T18:00:00Z")
    ((moment, _),) = [one for one in plant.due() if one[1].activity_id == "wait"]
    assert instant_text(moment) == due
    (started,) = [event for event in plant.log if event.type == "timer_started"]
    assert started.data == {"due": due, "duration_ms": moment - START, "execution": started.data["execution"]}
    plant.fire_next()
    assert plant.now == moment
    assert isinstance(plant.state(instance), Finished)
    assert fold(plant.log).records == plant.table.records


@pytest.mark.parametrize(
    ("zone", "day", "time", "due"),
    [
        ("Europe/Berlin", "2026-03-29", "02:00", "2026-03-29T01:00:00.000Z"),
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:00:00.000Z"),
        ("Europe/Berlin", "2026-03-29", "03:00", "2026-03-29T01:00:00.000Z"),
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00.000Z"),
        ("Australia/Sydney", "2026-10-04", "02:59:59", "2026-10-03T16:00:00.000Z"),
        ("Australia/Sydney", "2026-04-05", "02:30", "2026-04-04T15:30:00.000Z"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30:00.000Z"),
        ("America/Santiago", "2026-09-06", "00:30", "2026-09-06T04:00:00.000Z"),
    ],
)
def test_what_the_clock_skips_is_right_after_the_gap_and_what_it_shows_twice_the_first(
    zone: str, day: str, time: str, due: str
) -> None:
    """Whether a day is named or not; as for triggers of the clock."""
    midday_before = instant_ms(datetime.fromisoformat(f"{day}T12:00Z")) - 86_400_000
    for until in (time, f"{day}T{time}"):
        plant = plant_with(f"until: '{until}', time_zone: {zone}")
        plant.now = midday_before
        plant.start("x")
        ((moment, _),) = [one for one in plant.due() if one[1].activity_id == "wait"]
        assert instant_text(moment) == due
    trigger = f"{{type: timer, at: '{day}T{time}', time_zone: {zone}}}"
    process = plant.add(f"id: y\nversion: 1\ntrigger: {trigger}\nactivities: [{{id: end, type: end}}]\n")
    assert [instant_text(one.moments.next_after(0) or 0) for one in process.timers] == [due]


def test_a_moment_that_has_passed_is_not_waited_for() -> None:
    plant = plant_with("until: '${deadline}'")
    plant.start("x", deadline="2013-12-10T06:24:59Z")
    assert plant.due()[0][0] == START


@pytest.mark.parametrize(
    ("timer", "deadline", "said"),
    [
        (
            "until: '${deadline}'",
            "soon",
            "Expected a time of day such as '06:00', or a date and time such as '2026-12-24T18:00', but got 'soon'",
        ),
        (
            "duration: '${deadline}'",
            "soon",
            "duration: Expected a duration such as '30s', '5m', '1h30m' or 'PT5M', but got 'soon'",
        ),
        (
            "duration: '${minutes - 90}m'",
            "",
            "duration: Expected a duration above zero and up to ten years, but got '0m'",
        ),
    ],
)
def test_what_is_no_moment_fails_the_activity(timer: str, deadline: str, said: str) -> None:
    plant = plant_with(timer)
    instance = plant.start("x", deadline=deadline)
    (failed,) = [event for event in plant.log if event.type == "failed"]
    assert failed.subject == instance
    assert failed.data["error_type"] == "expression"
    assert failed.data["error"].endswith(said)


def test_after_a_live_variable_changed() -> None:
    """The duration is that of the moment in which the timer is entered."""
    plant = Plant("""
id: x
trigger: {type: redpanda, topic: heatpump-telemetry, condition: fields.minutes > 0}
variables: [{name: minutes, source: fields.minutes}]
activities:
  - {id: first, type: timer, duration: 1m}
  - {id: second, type: timer, duration: "${minutes}m"}
""")
    instance = plant.start("x", key="a", minutes=5)
    plant.observe("a", minutes=7)
    plant.fire_next()
    state = plant.state(instance)
    assert isinstance(state, Instance)
    assert state.waiting["second"].due == START + 8 * 60_000


def test_the_builder_writes_the_same() -> None:
    built = Process("x").on_start().wait("a", "5m").wait("b", until="22:00", time_zone="Europe/Berlin").build()
    written = parse_definition("""
id: x
trigger: {type: api}
activities:
  - {id: a, type: timer, duration: 5m}
  - {id: b, type: timer, until: "22:00", time_zone: Europe/Berlin}
""")
    assert built.hash == written.hash
