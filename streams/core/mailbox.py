"""The state of a correlation key: who waits for a message there, and messages that nobody has taken yet.

One entity a correlation key, table key ``message:<key>``, in the partition of the key.  Instants are Unix milliseconds
of plant time.
"""

from typing import Any

import msgspec


class Subscription(msgspec.Struct, omit_defaults=True):
    """An activity that waits for message ``name``; ``execution`` tells this wait from others of the instance."""

    name: str
    instance_id: str
    activity_id: str
    execution: int
    token: str | None = None


class Buffered(msgspec.Struct, omit_defaults=True):
    """A message that waits until ``expires``; ``message_id`` is its sender's, who may send it twice."""

    name: str
    payload: dict[str, Any]
    expires: int
    message_id: str | None = None


class Mailbox(msgspec.Struct, omit_defaults=True, tag="mailbox"):
    """``waiting`` and ``messages`` are in the order in which they came, the oldest first.

    ``known`` are ids of messages that came, by the moment until which a second one of the id is refused.
    """

    v: int
    key: str
    seq: int = 0
    updated_at: int = 0
    waiting: list[Subscription] = []
    messages: list[Buffered] = []
    known: dict[str, int] = {}


def mailbox_entity(key: str) -> str:
    """The table key of a correlation key's mailbox."""
    return f"message:{key}"
