"""Who listens to events, as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html

A frame is made once for all who want it; to listeners to everything those of a batch of records go as one, made once
for all who want the same, so that many clients cost little more than writing to them.  Whoever reads slower than events
come has a bounded queue: when it is full they are told so and let go, to come back with ``Last-Event-ID``, rather than
have the gateway keep it all.

The id of an instance's stream is ``seq``.  That of the stream of everything is where all partitions of the topic were
read up to, and comes behind each batch in a frame without data, which only moves the client's last id.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, TypeVar

from streams.codec import decode_event_head
from weir.api.following.answers import ANSWERED, without_answers

_Key = TypeVar("_Key")
MAX_FRAMES = 5_000
MAX_BYTES = 4 * 1024 * 1024
MAX_PART = 30
"""Characters of a partition and an offset."""


class EventRecord(Protocol):
    """A record of ``process-events``."""

    key: bytes | None
    value: bytes | None

    @property
    def headers(self) -> Iterable[tuple[str, bytes]]: ...


class Listener:
    """One client.  ``types`` and ``definition`` narrow what it gets, empty: everything; ``answers`` whether it gets
    those to tasks.
    """

    def __init__(
        self,
        instance: bytes | None = None,
        types: frozenset[str] = frozenset(),
        definition: str | None = None,
        *,
        answers: bool = False,
    ) -> None:
        self.instance, self.types, self.definition, self.answers = instance, types, definition, answers
        self.frames: deque[tuple[int, bytes]] = deque()
        """With the event's ``seq``, 0 for what is none."""
        self.overflowed = False
        self._count = self._bytes = 0
        self._more = asyncio.Event()

    @property
    def wanted(self) -> "Wanted":
        """What a listener to everything gets."""
        return self.types, self.definition, self.answers

    def put(self, seq: int, frame: bytes, count: int = 1) -> None:
        """One more, or so many in one, unless it is full."""
        if self.overflowed:
            return
        self._count += count
        self._bytes += len(frame)
        if self._count > MAX_FRAMES or self._bytes > MAX_BYTES:
            self.overflowed = True
            self.frames.clear()
        else:
            self.frames.append((seq, frame))
        self._more.set()

    async def taken(self, timeout_s: float) -> list[tuple[int, bytes]]:
        """What has come, at least one frame; none after ``timeout_s``, or when it has overflowed."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._more.wait()
        except TimeoutError:
            return []
        self._more.clear()
        found = list(self.frames)
        self.frames.clear()
        self._count = self._bytes = 0
        return found


Wanted = tuple[frozenset[str], str | None, bool]
"""``types``, ``definition`` and ``answers``."""


class Feed:
    """All listeners."""

    def __init__(self) -> None:
        self._of_all: dict[Wanted, set[Listener]] = {}
        self._of_instance: dict[bytes, set[Listener]] = {}
        self._batch: dict[Wanted, list[bytes]] = {}
        """Frames of the present batch of records, for listeners to everything."""

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """From now on the listener gets what it wants."""
        if listener.instance is None:
            with _within(self._of_all, listener.wanted, listener):
                yield
        else:
            with _within(self._of_instance, listener.instance, listener):
                yield

    def event(self, record: EventRecord) -> None:
        """An event was read."""
        of_this = self._of_instance.get(record.key or b"")
        if not (self._of_all or of_this) or record.value is None:
            return
        head, value = decode_event_head(record.value), record.value
        cut = without_answers(value) if head.type in ANSWERED else value
        whole, less = frame(head.type, value), frame(head.type, cut)
        for wanted in self._of_all:
            if wants(wanted, head.type, head.definition_id):
                _, _, answers = wanted
                self._batch.setdefault(wanted, []).append(whole if answers else less)
        for listener in of_this or ():
            listener.put(head.seq, frame(head.type, value if listener.answers else cut, str(head.seq)))

    def batch_ended(self, positions: Callable[[], Mapping[int, int]]) -> None:
        """A batch of records was read; ``positions`` tells up to where (by partition)."""
        if self._batch:
            last = id_frame(positions())
            for wanted, frames in self._batch.items():
                made = b"".join([*frames, last])
                for listener in self._of_all.get(wanted, ()):
                    listener.put(0, made, len(frames))
            self._batch.clear()


@contextmanager
def _within(groups: dict[_Key, set[Listener]], key: _Key, listener: Listener) -> Iterator[None]:
    group = groups.setdefault(key, set())
    group.add(listener)
    try:
        yield
    finally:
        group.discard(listener)
        if not group and groups.get(key) is group:
            del groups[key]


def wants(wanted: Wanted, type_: str, definition_id: str) -> bool:
    """Whether a listener to everything wants such an event."""
    types, definition, _ = wanted
    return (not types or type_ in types) and definition in (None, definition_id)


def frame(type_: str, value: bytes, id_: str | None = None) -> bytes:
    """An event; ``value`` is JSON in one line, as the topic has it."""
    head = f"event: {type_}\n" if id_ is None else f"id: {id_}\nevent: {type_}\n"
    return b"%bdata: %b\n\n" % (head.encode(), value)


def id_frame(positions: Mapping[int, int]) -> bytes:
    """Moves the client's last id, and is no event."""
    return f"id: {write_positions(positions)}\n\n".encode()


def write_positions(positions: Mapping[int, int]) -> str:
    """``{0: 12, 1: 7}`` as ``0-12.1-7``."""
    return ".".join(f"{partition}-{offset}" for partition, offset in sorted(positions.items()))


def read_positions(text: str) -> dict[int, int]:
    """The reverse.  Raises ``ValueError``."""
    found = {}
    for part in text.split("."):
        partition, dash, offset = part.partition("-")
        if not (dash and part.isascii() and partition.isdecimal() and offset.isdecimal() and len(part) <= MAX_PART):
            raise ValueError(f"Expected the id of an event of this stream, but got {text[:80]!r}")
        found[int(partition)] = int(offset)
    return found
