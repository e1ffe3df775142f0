"""A correlation key as a command sees it: its mailbox, its events, and messages on their way out of it."""

from typing import Any

from streams.core.commands import Deliver, FireTimer
from streams.core.forgetting import forget
from streams.core.mailbox import Mailbox, Subscription, mailbox_entity
from streams.core.state import VERSION, Key
from streams.core.turn import Turn


def expire(turn: Turn, command: FireTimer) -> None:
    """Drop the messages that nobody has taken until now; and the key, if that was the last of what it held."""
    entity = turn.entities.get(command.instance_id)
    if isinstance(entity, Mailbox):
        _expire_messages(turn, command)
        entity = turn.entities.get(command.instance_id)
    assert isinstance(entity, Key | Mailbox)  # the timer was its
    forget(turn, entity, max(turn.now_ms, command.due_ms))


def _expire_messages(turn: Turn, command: FireTimer) -> None:
    box = mailbox_of(turn, command.instance_id.removeprefix("message:"))
    while (index := _expired(box, command.due_ms)) is not None:
        box = emit(turn, box, "message_expired", {"index": index, "name": box.messages[index].name})


def _expired(box: Mailbox, by_ms: int) -> int | None:
    return next((at for at, held in enumerate(box.messages) if held.expires <= by_ms), None)


def correlate(
    turn: Turn, box: Mailbox, to: Subscription, told: dict[str, Any], expires_ms: int, index: int | None = None
) -> None:
    """Send a message on to an activity that waits; ``index`` is its place among the buffered ones."""
    activity = {"instance_id": to.instance_id, "activity_id": to.activity_id, "execution": to.execution}
    if to.token is not None:
        activity["token"] = to.token
    data = {**told, **activity}
    if index is not None:
        data["index"] = index
    emit(turn, box, "message_correlated", data)
    turn.follow_up(
        Deliver(
            instance_id=to.instance_id,
            activity_id=to.activity_id,
            execution=to.execution,
            token=to.token,
            name=told["name"],
            payload=told["payload"],
            correlation_key=box.key,
            expires_ms=expires_ms,
        )
    )


def mailbox_of(turn: Turn, key: str) -> Mailbox:
    """The entity, a new one where there is none."""
    entity = turn.entities.get(mailbox_entity(key))
    return entity if isinstance(entity, Mailbox) else Mailbox(VERSION, key)


def emit(turn: Turn, box: Mailbox, event_type: str, data: dict[str, Any]) -> Mailbox:
    """An event of the mailbox, applied; returns it as it is then."""
    turn.emit_outside(mailbox_entity(box.key), (box.seq, box.updated_at), event_type, ("", 0), data)
    return mailbox_of(turn, box.key)
