"""A long process costs what it is long: counted, not timed."""

import pytest

from streams.core.commands import Resume, Suspend
from streams.core.definition import ProcessDefinition
from streams.core.state import Finished, Instance
from tests.core.plant import Plant, fold


def _long(count: int) -> ProcessDefinition:
    """A process of so many activities."""
    log = {"type": "service", "action": "database_log", "config": {"message": "x"}}
    names = [f"a{number}" for number in range(count)]
    steps = [{"id": name, "next": after, **log} for name, after in zip(names, [*names[1:], "end"], strict=True)]
    return ProcessDefinition.model_validate(  # beyond what a file may hold
        {
            "id": "long",
            "name": "Long",
            "version": 1,
            "max_steps": 20_000,
            "triggers": [{"type": "api"}],
            "activities": [{"id": "start", "type": "start", "next": "a0"}, *steps, {"id": "end", "type": "end"}],
        }
    )


def _events(count: int) -> tuple[int, int]:
    """How many events, and how many commands, a process of so many activities takes."""
    plant = Plant(_long(count))
    instance = plant.start("long")
    plant.settle()
    assert isinstance(plant.state(instance), Finished)
    return len(plant.log), len({event.cause for event in plant.log})


@pytest.mark.long
def test_a_process_of_ten_thousand_activities_takes_ten_times_what_one_of_a_thousand_does() -> None:
    small, large = _events(1_000), _events(10_000)
    assert small == (2 * 1_000 + 4, 2)
    assert large == (2 * 10_000 + 2 + 2 * 10, 11)


def test_an_instance_that_is_suspended_on_a_long_way_goes_on_where_it_was() -> None:
    plant = Plant(_long(1_100))
    instance = plant.start("long")
    plant.do(Suspend(instance_id=instance))
    plant.settle()
    assert (plant.state(instance).status, plant.types(instance)[-1]) == ("suspended", "suspended")
    plant.do(Resume(instance_id=instance))
    plant.settle()
    assert isinstance(plant.state(instance), Finished)
    assert plant.types(instance).count("activity_started a999") == 1


@pytest.mark.parametrize("option", ["condition: x > 1, next: again", "condition: x.y > 1, on_error: again"])
def test_a_loop_that_enters_nothing_ends_by_max_steps(option: str) -> None:
    activity = f"{{id: again, type: timer, duration: 1m, {option}}}"
    plant = Plant(
        f"id: p\nversion: 1\ntrigger: {{type: api}}\nvariables: [{{name: x, value: 1}}]\nmax_steps: 3000\n"
        f"activities: [{activity}]"
    )
    instance = plant.start("p")
    for _ in range(10):
        if plant.follow_ups:
            plant.do(plant.follow_ups.popleft())
    state = plant.state(instance)
    assert isinstance(state, Instance)
    assert (state.status, state.failure and state.failure.error_type) == ("failed", "too_many_steps")


def test_what_is_skipped_on_a_long_way_is_no_loop() -> None:
    plant = Plant(
        "id: p\nversion: 1\ntrigger: {type: api}\nmax_steps: 4100\nvariables: [{name: x, value: 1}, {name: many}]\n"
        "activities: [{id: each, type: foreach, items: many, activities: ["
        "{id: a, type: transform, set: {y: 1}, condition: x > 1}, {id: b, type: transform, set: {y: 1}}, "
        "{id: c, type: transform, set: {y: 1}, condition: x > 1}]}]"
    )
    instance = plant.start("p", many=list(range(1000)))
    plant.settle()
    assert isinstance(plant.state(instance), Finished)
    assert fold(plant.log).records == plant.table.records
