"""Commands that came for an instance while it did not run."""

from collections.abc import Iterable

import msgspec

from streams.core.commands import Continue, Deliver, TopicCommand
from streams.core.flow import children
from streams.core.places import place_of, split_place
from streams.core.state import BROKEN, Held, Instance
from streams.core.turn import Turn

STILL = frozenset({"suspended"}) | BROKEN


def hold(turn: Turn, instance: Instance, command: TopicCommand, activity_id: str, token: str | None) -> None:
    """Keep a command that an activity of the instance waits for until it runs again."""
    document = msgspec.to_builtins(command)
    turn.emit(instance, "input_held", {"command": document}, activity_id, token=token)


def is_held(instance: Instance, activity_id: str, token: str | None) -> bool:
    """Whether what the activity waits for is here already."""
    place = place_of(activity_id, token)
    return any(_awaited_at(instance, one) == place for one in instance.held)


def answered(instance: Instance) -> dict[str, list[str]]:
    """For the event with which the instance goes on: the places with a deadline whose answer is here already.

    The answer comes as a command, and a deadline that has passed meanwhile would come before it.
    """
    found = [_awaited_at(instance, one) for one in instance.held]
    places = [place for place in found if place in instance.deadlines]
    return {"answered": places} if places else {}


def give_back(turn: Turn, held: Iterable[Held]) -> None:
    """The instance is cancelled: a message that came for it goes back to its key, for the next one that waits."""
    for one in held:
        command = msgspec.convert(one.command, TopicCommand)
        if isinstance(command, Deliver):
            turn.follow_up(children.returned(command))


def release(turn: Turn, instance: Instance, held: Iterable[Held]) -> None:
    """Send what was held once more, in the order in which it came; and have the tokens go on that have yielded."""
    if any(wait.kind == "continue" for wait in instance.waiting.values()):
        turn.follow_up(Continue(instance_id=instance.id))
    for one in held:
        command = one.command
        place = _awaited_at(instance, one)
        if place is not None and command.get("activity_id") is not None:
            command = {**command, "activity_id": split_place(place)[0]}
        turn.follow_up(msgspec.convert(command, TopicCommand))


def _awaited_at(instance: Instance, held: Held) -> str | None:
    """Where a held command is awaited now.

    A migration may have given its activity another name; and the message that it waits for, which is not this one then.
    """
    command = held.command
    for place, wait in instance.waiting.items():
        if split_place(place)[1] == command.get("token") and wait.execution == command.get("execution"):
            return place if command.get("name") in (None, wait.name) else None
    return None
