"""Keys and correlation keys that hold nothing any more leave the table, in the transaction of what was the last of it.

    a command ─► events ─► what has changed holds nothing ─► key_forgotten, mailbox_forgotten ─► no record
    a moment  ─► what was kept until then has expired     ─┘

What they remember for a while (ids of messages that may come twice, cooldowns, what waits for somebody) is something
that they hold: so nothing is done twice because of it.  Who comes later finds a new life, whose ``seq`` begins at 1.
"""

from streams.core.due import idle_from
from streams.core.mailbox import Mailbox, mailbox_entity
from streams.core.state import Key, key_entity
from streams.core.turn import Turn

NOBODYS = ("", 0)
"""The definition of an event that is about none."""


def forget_idle(turn: Turn) -> None:
    """Let go of what this turn has left with nothing."""
    for entity in list(turn.entities.changed.values()):
        if type(entity) is Key or type(entity) is Mailbox:  # by type: every command asks, and most have neither
            forget(turn, entity, turn.now_ms)


def forget(turn: Turn, entity: Key | Mailbox, now_ms: int) -> None:
    """Let the entity go, if it holds nothing but what has expired by ``now_ms``."""
    idle_ms = idle_from(entity)
    if idle_ms is None or idle_ms > now_ms:
        return
    if isinstance(entity, Mailbox):
        subject, kind, kept = mailbox_entity(entity.key), "message", [held.name for held in entity.messages]
        forgotten = "mailbox_forgotten"
    else:
        subject, kind, kept = key_entity(entity.key), "signal", [held.name for held in entity.signals]
        forgotten = "key_forgotten"
    for name in kept:
        _emit(turn, subject, f"{kind}_expired", {"index": 0, "name": name})
    _emit(turn, subject, forgotten, {})


def _emit(turn: Turn, subject: str, event_type: str, data: dict[str, object]) -> None:
    entity = turn.entities.get(subject)
    assert isinstance(entity, Key | Mailbox)
    turn.emit_outside(subject, (entity.seq, entity.updated_at), event_type, NOBODYS, data)
