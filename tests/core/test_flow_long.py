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


JOIN = """
id: p
version: 1
trigger: {{type: api}}
variables: [{{name: many}}, {{name: rows}}]
activities: [{}]
"""
NONE = "rows.exists(r, r.id < 0 && item.id < 0)"


def _joined(activity: str, many: int, rows: int) -> tuple[Plant, str]:
    plant = Plant(JOIN.format(activity))
    table = [{"id": number} for number in range(rows)]
    return plant, plant.start("p", many=[{"id": number} for number in range(many)], rows=table)


def test_an_activity_has_an_end_however_many_expressions_it_evaluates() -> None:
    """Each of them takes as long as one may, and for every element of a list that is a partition that stands still."""
    every = f"{{items: many, where: '{NONE}', value: '${{item.id}}'}}"
    join = f"{{id: join, type: transform, map: {{found: {every}}}}}"
    plant, instance = _joined(join, 1000, 75)
    state = plant.state(instance)
    assert isinstance(state, Instance)
    assert state.failure is not None
    assert "join: found: Expected less to do in all that is evaluated here" in state.failure.error
    plant, instance = _joined(join, 75, 75)
    assert isinstance(plant.state(instance), Finished)


def test_a_command_enters_no_more_activities_when_their_expressions_have_taken_long() -> None:
    test = f"{{id: test, type: decision, condition: '{NONE}', true_path: end, false_path: end}}"
    plant, instance = _joined(f"{{id: each, type: foreach, items: many, activities: [{test}]}}", 600, 75)
    assert plant.log[-1].type == "yielded"
    plant.settle()
    assert isinstance(plant.state(instance), Finished)
    assert len({event.cause for event in plant.log}) == 2
