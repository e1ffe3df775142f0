"""The clock of a definition: what it starts, when, and what becomes of moments that have passed."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.core.commands import ActivateDefinition, DeactivateDefinition, DeployDefinition, SetSchedule, StartProcess
from streams.core.durations import instant_text, parse_instant_ms
from streams.core.ids import check_instance_id
from streams.core.process import UnusableError
from streams.core.schedule import Schedule, schedule_entity
from tests.core.plant import START, Plant, fold

HOUR = 3_600_000
EVERY_FORM = [
    "every: 7m",
    "every: 1h, jitter: 30m",
    'cron: "*/20 6-9 * * *", jitter: 5m',
    'at: ["06:40", "07:00"]',
    'at: ["2013-12-10T07:00Z", "2013-12-10T09:30Z"]',
]


def text(trigger: str, version: int = 1, variables: str = "[]", mode: str = "parallel") -> str:
    return (
        f"id: daily\nversion: {version}\ntrigger: {{type: timer, {trigger}, mode: {mode}}}\nvariables: {variables}\n"
        "activities: [{id: note, type: service, action: log, message: x}]\n"
    )


def deploy(plant: Plant, definition: str) -> None:
    process = plant.add(definition)
    plant.do(DeployDefinition(definition=process.definition.model_dump(mode="json")))
    plant.settle()


def deployed(trigger: str, **more: Any) -> Plant:
    plant = Plant()
    deploy(plant, text(trigger, **more))
    return plant


def schedule(plant: Plant) -> Schedule:
    entity = plant.table.get(schedule_entity("daily"))
    assert isinstance(entity, Schedule)
    return entity


def of(plant: Plant, *types: str) -> list[str]:
    """What happened to the schedule: the type with the moment, and ``from`` where several were passed over."""
    return [
        f"{event.type} {event.data.get('from', event.data['nominal'])[5:16]}"
        + f"-{event.data['nominal'][5:16]}" * (event.data.get("from", event.data["nominal"]) != event.data["nominal"])
        for event in plant.log
        if event.type in (types or ("schedule_fired", "schedule_skipped"))
    ]


def starts(plant: Plant) -> list[dict[str, Any]]:
    return [event.data["trigger"] for event in plant.log if event.type == "started"]


def test_deploying_sets_the_clock() -> None:
    """It is 06:25."""
    plant = deployed("every: 1h")
    assert [event.type for event in plant.log] == ["definition_deployed", "schedule_set"]
    [(due, timer)] = plant.due()
    assert instant_text(due) == "2013-12-10T07:00:00.000Z"
    assert (timer.instance_id, timer.purpose, timer.execution) == ("schedule:daily", "schedule", 0)


def test_a_moment_starts_one_instance_and_the_next_one_is_due() -> None:
    plant = deployed("every: 1h", variables="[{name: meant, source: nominal}, {name: came, source: actual}]")
    plant.now = parse_instant_ms("2013-12-10T07:00:00.250Z")
    plant.do(plant.due()[0][1])
    [started] = [event for event in plant.settle() if event.type == "started"]
    assert check_instance_id(started.subject)
    assert started.data["key"] == "daily"
    assert started.data["trigger"] == {
        "type": "timer",
        "index": 0,
        "nominal": "2013-12-10T07:00:00.000Z",
        "actual": "2013-12-10T07:00:00.250Z",
    }
    assert started.data["variables"] == {"meant": "2013-12-10T07:00:00.000Z", "came": "2013-12-10T07:00:00.250Z"}
    assert instant_text(plant.due()[0][0]) == "2013-12-10T08:00:00.000Z"


def test_the_instance_follows_from_definition_trigger_and_moment() -> None:
    """Whoever fires, and however late: another start with the id would be refused."""
    ids = set()
    for late in (0, 10, 100_000):
        plant = deployed("every: 1h")
        plant.now = START + 35 * 60_000 + late
        plant.do(plant.due()[0][1])
        [command] = plant.follow_ups
        assert isinstance(command, StartProcess)
        ids.add(command.instance_id)
    assert len(ids) == 1


def test_a_timer_that_fires_twice_starts_once() -> None:
    plant = deployed("every: 1h")
    [(due, timer)] = plant.due()
    plant.now = due
    assert plant.do(timer)
    assert plant.do(timer) == []


def come_back(plant: Plant, at: str) -> Plant:
    """The plant was stopped until ``at``."""
    plant.now = parse_instant_ms(at)
    while plant.due() and plant.due()[0][0] <= plant.now:
        plant.do(plant.due()[0][1])
        plant.settle()
    return plant


def test_catch_up_none_starts_the_newest_unless_it_is_too_old() -> None:
    plant = come_back(deployed("every: 1h"), "2013-12-10T11:09:00Z")
    assert of(plant) == ["schedule_skipped 12-10T07:00-12-10T10:00", "schedule_fired 12-10T11:00"]
    plant = come_back(deployed("every: 1h"), "2013-12-10T11:11:00Z")
    assert of(plant) == ["schedule_skipped 12-10T07:00-12-10T11:00"]
    assert instant_text(plant.due()[0][0]) == "2013-12-10T12:00:00.000Z"
    plant = come_back(deployed("every: 1h, max_age: 30m"), "2013-12-10T11:11:00Z")
    assert of(plant)[-1] == "schedule_fired 12-10T11:00"


def test_catch_up_last_starts_the_newest_however_old() -> None:
    plant = come_back(deployed('at: "07:00", catch_up: last'), "2013-12-13T05:00:00Z")
    assert of(plant) == ["schedule_skipped 12-10T07:00-12-11T07:00", "schedule_fired 12-12T07:00"]
    assert [one["nominal"][:10] for one in starts(plant)] == ["2013-12-12"]


def test_catch_up_all_starts_each() -> None:
    plant = come_back(deployed("every: 1h, catch_up: all"), "2013-12-10T10:30:00Z")
    assert of(plant) == [f"schedule_fired 12-10T{hour:02}:00" for hour in (7, 8, 9, 10)]
    assert len(starts(plant)) == 4
    assert {one["actual"] for one in starts(plant)} == {"2013-12-10T10:30:00.000Z"}


def test_catch_up_all_has_a_limit() -> None:
    plant = come_back(deployed("every: 1h, catch_up: all, max_catch_up: 2"), "2013-12-10T10:30:00Z")
    assert of(plant) == [
        "schedule_skipped 12-10T07:00-12-10T08:00",
        "schedule_fired 12-10T09:00",
        "schedule_fired 12-10T10:00",
    ]


def test_a_year_of_seconds_is_caught_up_at_once() -> None:
    plant = come_back(deployed("every: 1s, catch_up: all"), "2014-12-10T10:30:00Z")
    assert len(starts(plant)) == 100


def test_with_mode_single_one_of_those_that_are_caught_up_runs() -> None:
    plant = deployed("every: 1h, catch_up: all", mode="single")
    waiting = text("every: 1h, catch_up: all", mode="single").replace(
        "{id: note, type: service, action: log, message: x}", "{id: wait, type: timer, duration: 1h}"
    )
    deploy(plant, waiting.replace("version: 1", "version: 2"))
    plant.now = parse_instant_ms("2013-12-10T10:30:00Z")
    plant.do(plant.due()[0][1])
    plant.settle()
    assert len(starts(plant)) == 1


def test_jitter_puts_off_what_is_due_and_not_what_it_is_for() -> None:
    plant = deployed("every: 1h, jitter: 20m")
    due, timer = plant.due()[0]
    nominal = parse_instant_ms("2013-12-10T07:00:00Z")
    assert nominal < due < nominal + 20 * 60_000
    plant.now = due
    plant.do(timer)
    plant.settle()
    assert of(plant) == ["schedule_fired 12-10T07:00"]


def test_a_moment_that_is_put_off_is_not_passed_over() -> None:
    """The plant comes back between the moment and when it is due."""
    plant = deployed("every: 1h, jitter: 59m, catch_up: all")
    [timer] = plant.processes["daily", 1].timers
    plant.now = parse_instant_ms("2013-12-10T09:00:00.001Z")
    plant.do(plant.due()[0][1])
    assert of(plant) == ["schedule_fired 12-10T07:00", "schedule_fired 12-10T08:00"]
    assert plant.due()[0][0] == timer.due(parse_instant_ms("2013-12-10T09:00:00Z")) > plant.now


def test_an_instant_comes_once() -> None:
    plant = come_back(deployed('at: "2013-12-10T07:00Z"'), "2013-12-10T07:00:00Z")
    assert of(plant) == ["schedule_fired 12-10T07:00"]
    assert plant.due() == []
    assert schedule(plant).alarms["0"].last == parse_instant_ms("2013-12-10T07:00:00Z")


def test_a_new_version_that_comes_at_the_same_moments_goes_on() -> None:
    plant = deployed("every: 1h, catch_up: all")
    plant.now = parse_instant_ms("2013-12-10T07:30:00Z")  # 07:00 has passed, and nobody has fired it yet
    deploy(plant, text("every: 1h, catch_up: all", 2))
    plant.do(plant.due()[0][1])
    [started] = [event for event in plant.settle() if event.type == "started"]
    assert (of(plant), started.definition_version) == (["schedule_fired 12-10T07:00"], 2)


def test_a_new_version_replaces_the_clock() -> None:
    plant = deployed("every: 1h")
    deploy(plant, text('at: "12:00"', 2))
    assert [instant_text(due) for due, _ in plant.due()] == ["2013-12-10T12:00:00.000Z"]


def test_a_moment_that_has_fired_is_not_set_again() -> None:
    """The command that sets the clock is older, by its broker's clock, than the timer that fired before it."""
    plant = deployed("every: 1h")
    plant.now = parse_instant_ms("2013-12-10T07:00:00.050Z")
    plant.do(plant.due()[0][1])
    plant.settle()
    plant.now = parse_instant_ms("2013-12-10T06:59:59.990Z")
    deploy(plant, text('cron: "0 * * * *"', 2))
    assert instant_text(plant.due()[0][0]) == "2013-12-10T08:00:00.000Z"


def test_a_new_version_without_a_clock_stops_it() -> None:
    plant = deployed("every: 1h")
    deploy(plant, text("every: 1h", 2).replace("type: timer, every: 1h", "type: api"))
    assert plant.due() == []
    deploy(plant, text("every: 1h", 3))
    assert len(plant.due()) == 1


def test_a_definition_without_a_clock_has_no_schedule() -> None:
    plant = Plant()
    deploy(plant, text("every: 1h").replace("type: timer, every: 1h", "type: api"))
    assert [event.type for event in plant.log] == ["definition_deployed"]


def test_deactivating_stops_the_clock_and_activating_sets_it() -> None:
    plant = deployed("every: 1h")
    plant.do(DeactivateDefinition(definition_id="daily"))
    plant.settle()
    assert plant.due() == []
    assert schedule(plant).version == 0
    plant.now += 100 * HOUR
    plant.do(ActivateDefinition(definition_id="daily"))
    plant.settle()
    assert [due > plant.now for due, _ in plant.due()] == [True]
    assert of(plant) == []


def test_an_earlier_version_that_is_activated_has_its_own_clock() -> None:
    plant = deployed("every: 1h")
    deploy(plant, text('at: "12:00"', 2))
    plant.do(ActivateDefinition(definition_id="daily", version=1))
    plant.settle()
    assert schedule(plant).version == 1
    assert instant_text(plant.due()[0][0]) == "2013-12-10T07:00:00.000Z"


def test_a_version_that_is_gone_stops_the_clock() -> None:
    plant = deployed("every: 1h")
    plant.processes.clear()
    plant.fire_next()
    assert plant.log[-1].type == "schedule_stopped"
    assert plant.log[-1].data == {"reason": "version 1 of daily is gone"}
    assert plant.due() == []


def unusable(_id: str, _version: int | None) -> None:
    raise UnusableError("made by another Weir")


def test_a_version_that_cannot_be_used_stops_the_clock_and_is_not_set() -> None:
    plant = deployed("every: 1h")
    plant.around.process = unusable
    plant.fire_next()
    assert (plant.log[-1].type, plant.log[-1].data) == ("schedule_stopped", {"reason": "made by another Weir"})
    assert plant.refused(SetSchedule(definition_id="daily", definition_version=1))[0] == "unusable_definition"


def test_a_start_whose_variables_do_not_fit_is_passed_over() -> None:
    definition = text("every: 1h", variables="[{name: t, source: fields.t, required: true}]").replace(
        "trigger: {type: timer, every: 1h, mode: parallel}",
        "triggers: [{type: timer, every: 1h}, {type: redpanda, topic: heatpump-telemetry}]",
    )
    plant = Plant()
    deploy(plant, definition)
    plant.fire_next()
    assert plant.log[-1].type == "schedule_skipped"
    assert plant.log[-1].data["reason"] == "invalid_variables"
    assert "variable 't'" in plant.log[-1].data["error"]
    assert len(plant.due()) == 1


def test_several_triggers_have_a_clock_each() -> None:
    definition = text("every: 1h").replace(
        "trigger: {type: timer, every: 1h, mode: parallel}",
        'triggers: [{type: timer, every: 1h}, {type: api}, {type: timer, at: "06:30", key: other}]',
    )
    plant = Plant()
    deploy(plant, definition)
    assert [(timer.execution, instant_text(due)[11:16]) for due, timer in plant.due()] == [(2, "06:30"), (0, "07:00")]
    plant.fire_next()
    [started] = [event for event in plant.settle() if event.type == "started"]
    assert (started.data["key"], started.data["trigger"]["index"]) == ("other", 2)


@given(
    st.sampled_from(EVERY_FORM),
    st.sampled_from(["none", "last", "all"]),
    st.lists(st.integers(1, 5 * HOUR), min_size=1, max_size=8),
)
def test_no_moment_is_lost_or_comes_twice(trigger: str, catch_up: str, steps: list[int]) -> None:
    """Whenever the clock is looked at: each moment fires or is passed over once, in order; with ``all`` each fires."""
    plant = deployed(f"{trigger}, catch_up: {catch_up}")
    [timer] = plant.processes["daily", 1].timers
    for ms in steps:
        plant.now += ms
        while plant.due() and plant.due()[0][0] <= plant.now:
            plant.do(plant.due()[0][1])
    at = START
    for event in plant.log:
        if event.type in {"schedule_fired", "schedule_skipped"}:
            first, last = (
                parse_instant_ms(event.data.get(name) or event.data["nominal"]) for name in ("from", "nominal")
            )
            assert timer.moments.next_after(at) == first
            at = last
            assert event.type == "schedule_fired" or catch_up != "all"
    following = timer.moments.next_after(at)
    assert schedule(plant).alarms["0"].nominal == following
    assert following is None or timer.due(following) > plant.now
    again = fold(plant.log)
    assert msgspec.to_builtins(again.get("schedule:daily")) == msgspec.to_builtins(schedule(plant))


def test_a_schedule_of_what_is_not_deployed_is_refused() -> None:
    assert Plant().refused(SetSchedule(definition_id="x", definition_version=1))[0] == "unknown_definition"
