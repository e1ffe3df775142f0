"""What was sent and refused lately: so many of each, the oldest forgotten first.

It answers who asks for an instance that the database does not have yet.  Nothing depends on it: who asks another
gateway, or this one after a restart, waits for the projector.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

import msgspec

from weir.watch import Refused

KEPT = 50_000
V = TypeVar("V")


class SentStart(msgspec.Struct, frozen=True, gc=False):
    """A start that Kafka has acknowledged.  Of these there are many: none is the garbage collector's business."""

    definition_id: str
    key: str | None


class _Newest(Generic[V]):
    def __init__(self, size: int) -> None:
        self._size = size
        self._items: OrderedDict[str, V] = OrderedDict()

    def put(self, key: str, value: V) -> None:
        self._items[key] = value
        if len(self._items) > self._size:
            self._items.popitem(last=False)

    def get(self, key: str) -> V | None:
        return self._items.get(key)


class Lately:
    """Starts by their instance id, which is their command id too; refusals by command id."""

    def __init__(self, size: int = KEPT) -> None:
        self._sent: _Newest[SentStart] = _Newest(size)
        self._refused: _Newest[Refused] = _Newest(size)

    def sent(self, instance_id: str, start: SentStart) -> None:
        """A start is in Kafka."""
        self._sent.put(instance_id, start)

    def start(self, instance_id: str) -> SentStart | None:
        """The start with this id, if this gateway has sent it lately."""
        return self._sent.get(instance_id)

    def refused(self, command_id: str | None, refusal: Refused) -> None:
        """A command was refused."""
        if command_id is not None:
            self._refused.put(command_id, refusal)

    def refusal(self, command_id: str) -> Refused | None:
        """Why a command was refused, if it was lately."""
        return self._refused.get(command_id)
