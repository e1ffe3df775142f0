"""A long process costs what it is long: counted, not timed."""

import pytest

from streams.core.commands import Resume, Suspend
from streams.core.definition import ProcessDefinition
from streams.core.state import Finished
from tests.core.plant import Plant


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
