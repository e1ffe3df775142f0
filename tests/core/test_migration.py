"""Instances go on with another version of their definition: what is safe, what needs a mapping, what cannot be."""

import pytest

from streams.core.commands import Migrate, Retry, SetVariables, Signal
from tests.core.plant import Plant
from tests.core.test_lifecycle import INCIDENT, NEWER, PUMP, _answer, _running, _state

ITEMS = """
id: items
version: 1
trigger: {type: api}
variables: [{name: rooms, value: [1, 2]}]
activities:
  - {id: each, type: foreach, items: rooms, activities: [{id: rest, type: timer, duration: "${item}h"}]}
"""


def _with(newer: str) -> tuple[Plant, str]:
    plant = Plant(PUMP)
    instance = _running(plant)
    plant.add(newer)
    return plant, instance


def test_an_instance_goes_on_with_another_version() -> None:
    newer = NEWER.replace("  - {name: answer}", "  - {name: answer}\n  - {name: limit, value: 3}").replace(
        "id: rest", "id: pause"
    )
    plant, instance = _with(newer)
    plant.do(Migrate(instance_id=instance, version=2))
    state = _state(plant, instance)
    assert (state.definition_version, state.variables["limit"]) == (2, 3)
    plant.do(_answer(instance))
    assert plant.types(instance)[-1] == "timer_started pause"
    assert plant.log[-1].definition_version == 2


def test_activities_that_are_called_otherwise_are_mapped() -> None:
    plant, instance = _with(NEWER.replace("id: ask", "id: question").replace("path: ask", "path: question"))
    plant.do(_answer(instance))
    plant.fire_next()
    reason, message = plant.refused(Migrate(instance_id=instance, version=2))
    assert reason == "needs_mapping"
    assert message.endswith("version 2 has no activity 'ask', where the instance is: map it to one of question")
    plant.do(Migrate(instance_id=instance, version=2, activities={"ask": "question"}))
    plant.do(Signal(name="decided", instance_id=instance))
    assert plant.types(instance)[-2:] == ["variable_changed", "completed end"]


def test_what_is_awaited_under_another_name_is_awaited_so() -> None:
    plant, instance = _with(NEWER.replace("name: decided", "name: settled"))
    plant.do(_answer(instance))
    plant.fire_next()
    plant.do(Migrate(instance_id=instance, version=2))
    plant.do(Signal(name="settled", instance_id=instance))
    assert plant.types(instance)[-1] == "completed end"


@pytest.mark.parametrize(
    ("newer", "activities", "reason", "text"),
    [
        (
            NEWER.replace("id: run,", "id: go,"),
            {"run": "go"},
            "impossible",
            "Expected it to keep its name, but it is 'go' in version 2: try again when it has answered",
        ),
        (
            NEWER,
            {"run": "rest"},
            "needs_mapping",
            "Expected 'rest' of version 2 to be of the same kind as 'run' was, but it is timer, not service",
        ),
        (NEWER, {"runn": "run"}, "needs_mapping", "version 1 has no activity 'runn'. Did you mean 'run'?"),
        (NEWER, {"run": "runn"}, "needs_mapping", "version 2 has no activity 'runn'. Did you mean 'run'?"),
        (
            NEWER.replace(
                '{id: run, type: service, action: mqtt_publish, config: {topic: pump, payload: {speed: "${speed}"}}}',
                "{id: run, type: timer, duration: 1s}",
            ),
            {},
            "needs_mapping",
            "to be of the same kind as 'run' was",
        ),
        (
            NEWER.replace("  - {name: answer}", "  - {name: answer}\n  - {name: limit, type: number, required: true}"),
            {},
            "needs_mapping",
            "Expected a value for variable 'limit', but there is none: give it with the migration",
        ),
    ],
)
def test_what_stands_against_a_migration_is_told(
    newer: str, activities: dict[str, str], reason: str, text: str
) -> None:
    plant, instance = _with(newer)
    refused = plant.refused(Migrate(instance_id=instance, version=2, activities=activities))
    assert refused[0] == reason
    assert text in refused[1]


def test_an_activity_that_the_new_version_has_nothing_like_makes_a_migration_impossible() -> None:
    newer = NEWER.replace("  - {id: ask, type: message, name: decided, output: answer}\n", "").replace(
        "path: ask", "path: end"
    )
    plant, instance = _with(newer)
    plant.do(_answer(instance))
    plant.fire_next()
    reason, text = plant.refused(Migrate(instance_id=instance, version=2))
    assert reason == "impossible"
    assert text.endswith("no activity there is of its kind")


def test_a_migration_gives_variables_that_only_the_new_version_has() -> None:
    newer = NEWER.replace("  - {name: answer}", "  - {name: answer}\n  - {name: limit, type: number, required: true}")
    plant, instance = _with(newer)
    plant.do(Migrate(instance_id=instance, version=2, variables={"limit": 9}))
    assert _state(plant, instance).variables["limit"] == 9
    assert plant.refused(Migrate(instance_id=instance, version=2))[0] == "unchanged"
    assert plant.refused(Migrate(instance_id=instance, version=3))[0] == "unknown_definition"


def test_a_failed_instance_is_migrated_and_retried_with_what_was_corrected() -> None:
    plant, instance = _with(NEWER.replace("10 / speed", "10 / (speed + 1)"))
    plant.do(_answer(instance))
    plant.do(SetVariables(instance_id=instance, variables={"speed": 0}))
    plant.fire_next()
    assert _state(plant, instance).status == "failed"
    plant.do(Migrate(instance_id=instance, version=2))
    plant.do(Retry(instance_id=instance))
    assert plant.types(instance)[-1] == "message_awaited ask"


def test_what_stands_in_a_branch_is_migrated_by_its_place() -> None:
    plant = Plant(INCIDENT)
    instance = plant.start("incident")
    plant.add(INCIDENT.replace("version: 1", "version: 2").replace("id: both", "id: all"))
    reason, text = plant.refused(Migrate(instance_id=instance, version=2))
    assert (reason, text.count("version 2 has no activity 'both'")) == ("needs_mapping", 1)
    plant.do(Migrate(instance_id=instance, version=2, activities={"both": "all"}))
    assert [scope.activity_id for scope in _state(plant, instance).scopes.values()] == ["all"]


def test_what_stands_against_a_migration_at_many_places_is_told_once() -> None:
    items = ITEMS.replace("items: rooms", "items: rooms, concurrency: 2")
    plant = Plant(items)
    instance = plant.start("items")
    assert list(_state(plant, instance).waiting) == ["rest@1.1", "rest@1.2"]
    plant.add(items.replace("version: 1", "version: 2").replace("id: rest", "id: nap"))
    reason, text = plant.refused(Migrate(instance_id=instance, version=2))
    assert (reason, text.count("version 2 has no activity 'rest'")) == ("needs_mapping", 1)


def test_a_migration_gives_no_variables_that_the_new_version_lacks() -> None:
    plant, instance = _with(NEWER)
    reason, text = plant.refused(Migrate(instance_id=instance, version=2, variables={"sped": 1}))
    assert reason == "needs_mapping"
    assert text.endswith("version 2 has no variable 'sped'. Did you mean 'speed'?")
