"""``subscribe``: an activity of an instance waits for a message; one that is there already goes to it at once."""

from streams.core.commands import Subscribe, Unsubscribe
from streams.core.mailbox import Subscription, mailbox_entity
from streams.core.mailboxes import correlate, emit, mailbox_of
from streams.core.turn import Turn


def subscribe(turn: Turn, command: Subscribe) -> None:
    """Note who waits, and give it the oldest message of the name."""
    box = mailbox_of(turn, command.correlation_key)
    new = _subscription(command)
    if new in box.waiting:
        turn.reject("already_subscribed", f"Instance {new.instance_id} waits there already", mailbox_entity(box.key))
        return
    box = emit(turn, box, "subscribed", _data(command))
    for index, held in enumerate(box.messages):
        if held.name == command.name and held.expires > turn.now_ms:
            correlate(turn, box, new, {"name": held.name, "payload": held.payload}, held.expires, index)
            return


def unsubscribe(turn: Turn, command: Unsubscribe) -> None:
    """The activity has ended otherwise.  A message that is under way to it comes back."""
    box = mailbox_of(turn, command.correlation_key)
    if _subscription(command) not in box.waiting:
        text = f"Instance {command.instance_id} does not wait for {command.name!r} under key {box.key!r} any more"
        turn.reject("not_subscribed", text, mailbox_entity(box.key))
        return
    emit(turn, box, "unsubscribed", _data(command))


def _subscription(command: Subscribe | Unsubscribe) -> Subscription:
    return Subscription(command.name, command.instance_id, command.activity_id, command.execution, command.token)


def _data(command: Subscribe | Unsubscribe) -> dict[str, object]:
    data: dict[str, object] = {
        "name": command.name,
        "instance_id": command.instance_id,
        "activity_id": command.activity_id,
        "execution": command.execution,
    }
    return data if command.token is None else {**data, "token": command.token}
