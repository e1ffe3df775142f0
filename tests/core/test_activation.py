"""Which version of a definition starts instances: deploying, activating, deactivating."""

from collections.abc import Callable

import pytest

from streams.core.commands import (
    ActivateDefinition,
    DeactivateDefinition,
    DeployDefinition,
    Origin,
    StartProcess,
    WatchKeys,
)
from streams.core.definition import ProcessDefinition
from streams.core.parse import parse_definition
from streams.core.process import UnusableError
from streams.core.state import DefinitionVersions, Off, definition_entity
from streams.deployed import Activation, decode_deployed
from streams.staging import encode_json
from tests.core.plant import Plant, fold

TEXT = """
id: door
version: 1
trigger: {type: api, mode: parallel}
activities: [{id: wait, type: message, name: open}]
"""


def version(number: int) -> ProcessDefinition:
    return parse_definition(TEXT.replace("version: 1", f"version: {number}"))


def deploy(plant: Plant, number: int, **more: object) -> None:
    definition = version(number)
    assert plant.do(DeployDefinition(definition=definition.model_dump(mode="json"), **more))
    plant.add(definition)


@pytest.fixture
def plant() -> Plant:
    """Versions 1 to 3 are deployed."""
    plant = Plant()
    for number in (1, 2, 3):
        deploy(plant, number)
    return plant


def state(plant: Plant) -> DefinitionVersions:
    entity = plant.table.get(definition_entity("door"))
    assert isinstance(entity, DefinitionVersions)
    return entity


def published(plant: Plant) -> list[Activation]:
    """The activations that the last command told the roles."""
    assert plant.last is not None
    records = [decode_deployed(encode_json(record)) for record in plant.last.published]
    return [record for record in records if isinstance(record, Activation)]


def test_the_newest_version_is_active_and_nobody_needs_to_be_told(plant: Plant) -> None:
    assert state(plant).active == 3
    assert published(plant) == []


def test_rolling_back_is_activating_an_earlier_version(plant: Plant) -> None:
    before = plant.start("door")
    (event,) = plant.do(ActivateDefinition(definition_id="door", version=2, reason="3 rings twice"))
    assert (event.type, event.subject, event.definition_version) == ("definition_activated", "definition:door", 2)
    assert event.data == {"version": 2, "reason": "3 rings twice"}
    assert state(plant).active == 2
    (told,) = published(plant)
    assert (told.id, told.active, told.retired, told.off) == ("door", 2, [], None)
    running = plant.state(before)
    assert running.status == "running"
    assert running.definition_version == 3, "instances stay on their version"
    assert plant.do(StartProcess(definition_id="door", definition_version=3)), "who names a version gets it"


def test_a_version_deployed_after_a_rollback_is_active(plant: Plant) -> None:
    plant.do(ActivateDefinition(definition_id="door", version=1))
    deploy(plant, 4)
    assert state(plant).active == 4
    assert [told.active for told in published(plant)] == [4]


def test_what_is_deactivated_starts_nothing_and_what_runs_goes_on(plant: Plant) -> None:
    running = plant.start("door")
    (event,) = plant.do(DeactivateDefinition(definition_id="door", reason="broken hinge"))
    assert event.data == {"version": None, "reason": "broken hinge", "pruned": False}
    assert state(plant).active is None
    assert plant.state(running).status == "running"
    for wanted in (None, 2, 3):
        reason, message = plant.refused(StartProcess(definition_id="door", definition_version=wanted))
        assert reason == "inactive"
        assert "`weir activate door`" in message
    deploy(plant, 4)
    assert state(plant).off == Off("broken hinge"), "deploying does not switch on what somebody has switched off"
    assert [told.off for told in published(plant)] == [Off("broken hinge")]
    plant.do(ActivateDefinition(definition_id="door"))
    assert state(plant).active == 4
    assert plant.start("door")


def test_one_version_may_be_deactivated(plant: Plant) -> None:
    plant.do(DeactivateDefinition(definition_id="door", version=3))
    assert state(plant).active == 2, "the newest of the others"
    assert plant.refused(StartProcess(definition_id="door", definition_version=3))[0] == "inactive"
    assert plant.start("door")
    plant.do(ActivateDefinition(definition_id="door", version=1))
    plant.do(DeactivateDefinition(definition_id="door", version=1))
    assert state(plant).active == 2
    plant.do(DeactivateDefinition(definition_id="door", version=2))
    assert state(plant).active is None
    assert plant.refused(StartProcess(definition_id="door"))[0] == "inactive"
    reason, message = plant.refused(ActivateDefinition(definition_id="door"))
    assert (reason, message) == (
        "no_version",
        "Every version of door is deactivated. Name the one to activate, such as 3",
    )
    plant.do(ActivateDefinition(definition_id="door", version=3))
    assert (state(plant).active, state(plant).retired) == (3, [1, 2])


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (ActivateDefinition(definition_id="gate"), ("unknown_definition", "No definition 'gate' is deployed")),
        (DeactivateDefinition(definition_id="gate"), ("unknown_definition", "No definition 'gate' is deployed")),
        (
            ActivateDefinition(definition_id="door", version=9),
            ("unknown_definition", "Expected a deployed version of door, but got 9: there are 1, 2, 3"),
        ),
        (
            DeactivateDefinition(definition_id="door", version=9),
            ("unknown_definition", "Expected a deployed version of door, but got 9: there are 1, 2, 3"),
        ),
        (ActivateDefinition(definition_id="door"), ("unchanged", "door version 3 is active already")),
        (ActivateDefinition(definition_id="door", version=3), ("unchanged", "door version 3 is active already")),
    ],
)
def test_what_cannot_be_is_refused(plant: Plant, command: ActivateDefinition, refusal: tuple[str, str]) -> None:
    assert plant.refused(command) == refusal


@pytest.mark.parametrize(("number", "what"), [(None, "door"), (3, "door version 3")])
def test_deactivating_twice_changes_nothing(plant: Plant, number: int | None, what: str) -> None:
    command = DeactivateDefinition(definition_id="door", version=number)
    assert plant.do(command)
    assert plant.refused(command) == ("unchanged", f"{what} is deactivated already")


def test_who_did_it_is_kept(plant: Plant) -> None:
    origin = Origin(by="eve", commit="c0ffee", dirty=True)
    (deployed,) = plant.do(
        DeployDefinition(definition=version(4).model_dump(mode="json"), source="# mine\nid: door", origin=origin)
    )
    assert deployed.data["origin"] == {"by": "eve", "commit": "c0ffee", "dirty": True}
    assert plant.last is not None
    (record,) = plant.last.published
    assert (record["source"], record["origin"]) == ("# mine\nid: door", deployed.data["origin"])
    (off,) = plant.do(DeactivateDefinition(definition_id="door", pruned=True, origin=origin))
    assert off.data == {"version": None, "reason": None, "pruned": True, "origin": deployed.data["origin"]}


def test_the_log_folds_to_the_same(plant: Plant) -> None:
    for command in (
        ActivateDefinition(definition_id="door", version=2),
        DeactivateDefinition(definition_id="door", version=2),
        DeactivateDefinition(definition_id="door", reason="spring"),
        ActivateDefinition(definition_id="door"),
        DeactivateDefinition(definition_id="door", version=1),
    ):
        assert plant.do(command, after_ms=1000)
    assert fold(plant.log).records == plant.table.records


GONE = """
id: gone
version: {number}
trigger: {{type: pattern, topic: heatpump-telemetry, absent: 2m, keys: {keys}}}
activities: [{{id: tell, type: service, action: log, message: It is silent}}]
"""


def watching() -> Plant:
    """Version 1 misses a and b, version 2 misses c."""
    plant = Plant()
    for number, keys in ((1, "[a, b]"), (2, "[c]")):
        process = plant.add(GONE.format(number=number, keys=keys))
        plant.do(DeployDefinition(definition=process.definition.model_dump(mode="json")))
    plant.follow_ups.clear()
    return plant


def test_the_keys_that_the_version_now_active_misses_are_watched() -> None:
    plant = watching()
    plant.do(DeactivateDefinition(definition_id="gone", version=2))
    assert [one.keys for one in plant.follow_ups if isinstance(one, WatchKeys)] == [["a", "b"]]
    plant.follow_ups.clear()
    plant.do(DeactivateDefinition(definition_id="gone"))
    assert not plant.follow_ups, "nothing is active"
    plant.do(ActivateDefinition(definition_id="gone", version=2))
    assert [one.keys for one in plant.follow_ups if isinstance(one, WatchKeys)] == [["c"]]


def unusable(definition_id: str, version: int | None) -> None:
    raise UnusableError(f"{definition_id} {version} needs an extension")


@pytest.mark.parametrize("process", [unusable, lambda _id, _version: None])
def test_a_version_that_cannot_be_used_here_is_activated_and_misses_nothing(
    process: Callable[[str, int | None], None],
) -> None:
    plant = watching()
    plant.around.process = process
    assert plant.do(ActivateDefinition(definition_id="gone", version=1))[0].type == "definition_activated"
    assert not plant.follow_ups
