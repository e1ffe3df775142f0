"""``message``: a message that nobody waits for starts the process.  Its correlation key is the business key."""

from typing import Annotated, Literal

from pydantic import Field

from streams.core.triggers.base import Trigger

BROUGHT = frozenset({"name", "correlation_key", "payload"})


class MessageTrigger(Trigger):
    """``name`` is the message's.  Variables have their ``source`` in ``payload``: ``source: payload.amount``.

    A message goes to an instance that waits for it under the same key; only where none does it starts a process.
    """

    type: Literal["message"]
    name: Annotated[str, Field(min_length=1, max_length=200)]

    def sources(self) -> frozenset[str] | None:
        return BROUGHT
