"""A follow-up command goes into the transaction of the turn that leads to it, to the partition where it belongs."""

from streams.codec import decode_command
from streams.core.commands import Cancel, Signal, StartProcess
from streams.core.ids import partition_for
from streams.core.turn import Overlay, Turn
from streams.settings import Settings
from streams.staging import FOLLOW_UP_HEADER, stage_turn
from streams.topics import load_topics
from tests.core.plant import START, Plant

PARTITIONS = 4
TWO = """
id: two
version: 1
trigger: {type: api}
activities: [{id: wait, type: timer, duration: 1s}]
"""


def turn_with_an_event(offset: int | None) -> tuple[Turn, str]:
    plant = Plant(TWO, partition=1, partitions=PARTITIONS)
    instance_id = plant.start("two")
    turn = Turn(plant.around, Overlay(plant.table.get), START, offset)
    instance = turn.instance(instance_id)
    assert instance is not None
    turn.emit(instance, "variable_changed", {"name": "x", "value": 1})
    return turn, instance_id


def test_follow_ups_go_home_with_ids_of_their_own() -> None:
    turn, instance_id = turn_with_an_event(7)
    turn.follow_up(Cancel(instance_id=instance_id))
    turn.follow_up(StartProcess(definition_id="two", key="pump-3"))
    turn.follow_up(StartProcess(definition_id="two"))
    topics = load_topics(Settings(_env_file=None, partitions=PARTITIONS))  # type: ignore[call-arg]
    sent = [output for output in stage_turn(turn, topics).outputs if output[0] == topics.commands.name]
    assert [partition for _, partition, *_ in sent] == [1, partition_for("pump-3", PARTITIONS), 1]
    assert [key for _, _, key, *_ in sent] == [instance_id.encode(), b"pump-3", b""]
    commands = [decode_command(value) for _, _, _, value, _ in sent]
    assert [command.id for command in commands] == ["1:7/1", "1:7/2", "1:7/3"]
    assert [list(headers) for *_, headers in sent] == [
        [(FOLLOW_UP_HEADER, (command.id or "").encode())] for command in commands
    ]


def test_the_follow_up_of_a_timer_is_named_after_its_event() -> None:
    turn, instance_id = turn_with_an_event(None)
    turn.follow_up(Signal(name="go", key="pump-3"))
    assert [command.id for command in turn.follow_ups] == [f"1:timer/{instance_id}/{turn.events[-1].seq}/1"]
