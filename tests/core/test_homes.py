"""Which partition a command belongs to, by what it is about."""

import pytest

from streams.core.commands import (
    Cancel,
    ClaimTask,
    CompleteActivity,
    DeactivateDefinition,
    PublishMessage,
    RequestSlot,
    Resume,
    Signal,
    StartProcess,
    Suspend,
    TopicCommand,
)
from streams.core.decide import home_of
from streams.core.ids import instance_id, partition_for

PARTITIONS = 8
INSTANCE = instance_id(1_000, 5, "x")


@pytest.mark.parametrize(
    ("command", "home"),
    [
        (StartProcess(definition_id="a", key="pump-1"), partition_for("pump-1", PARTITIONS)),
        (StartProcess(definition_id="a"), None),
        (Signal(name="go", key="pump-1"), partition_for("pump-1", PARTITIONS)),
        (Signal(name="go", instance_id=INSTANCE.upper()), 5),
        (ClaimTask(task_id=f"{INSTANCE}:3", user="anna"), 5),
        (PublishMessage(name="paid", correlation_key="A-1", payload={}), partition_for("A-1", PARTITIONS)),
        (RequestSlot(definition_id="a", instance_id=INSTANCE, limit=1), partition_for("a", PARTITIONS)),
        (
            CompleteActivity(instance_id="schedule:a", activity_id="0", execution=1, attempt=1),
            partition_for("a", PARTITIONS),
        ),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_command_belongs_where_its_subject_lives(command: TopicCommand, home: int | None) -> None:
    assert home_of(command, PARTITIONS) == home


def test_all_commands_about_definitions_belong_to_one_partition() -> None:
    assert len({home_of(DeactivateDefinition(definition_id=name), PARTITIONS) for name in "abcdefgh"}) == 1


@pytest.mark.parametrize("command", [Cancel(), Suspend(), Resume()], ids=lambda one: type(one).__name__)
def test_a_command_without_a_subject_belongs_nowhere(command: TopicCommand) -> None:
    with pytest.raises(ValueError, match=r"Expected 'instance_id' or 'key' in .*, but got neither"):
        home_of(command, PARTITIONS)


def test_an_instance_of_a_larger_plant_is_none_of_this_one() -> None:
    with pytest.raises(ValueError, match="names partition 5 and there are 4"):
        home_of(Cancel(instance_id=INSTANCE), 4)
