"""Who waits for the end of an instance."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from streams.core.events import Event

ENDED = frozenset({b"completed", b"failed", b"timed_out", b"cancelled"})
"""Types of events, as the header ``ce_type`` has them."""


class Endings:
    """By instance id."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, set[asyncio.Future[Event]]] = {}

    @contextmanager
    def expect(self, instance_id: str) -> Iterator[asyncio.Future[Event]]:
        """A future of the event that ends the instance, should it come from now on."""
        key, future = instance_id.encode(), asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, set()).add(future)
        try:
            yield future
        finally:
            self._waiting[key].discard(future)
            if not self._waiting[key]:
                del self._waiting[key]

    def waits_for(self, key: bytes | None, type_: bytes) -> bool:
        """Whether somebody wants this event; ``key`` is its record's."""
        return bool(self._waiting) and type_ in ENDED and key in self._waiting

    def ended(self, event: Event) -> None:
        """An instance has ended."""
        for future in self._waiting.get(event.subject.encode(), ()):
            if not future.done():
                future.set_result(event)
