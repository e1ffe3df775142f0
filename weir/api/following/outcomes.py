"""Who waits for the outcome of a command.  Pure: told what was sent and what was read, it resolves futures.

An event tells by its cause which command led to it: by the place of the command's record, which is known only once
Kafka has acknowledged it.  So whoever waits says so before sending; until the place is known, what is read of that
partition is kept.

The events of one command come one behind the other.  They are all there when another command's event follows, or when
everything that is committed has been read (``settled``).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from streams.core.events import Event
from weir.watch import Accepted, DeadLettered, Outcome, Refused

MAX_RECENT = 20_000
"""Commands whose events are kept while a place is not known: far more than come meanwhile."""


class Expected:
    """The outcome of one command."""

    def __init__(self, outcomes: "Outcomes", partition: int, command_id: str) -> None:
        self._outcomes, self.partition, self.command_id = outcomes, partition, command_id
        self.offset: int | None = None
        self.events: list[Event] = []
        self.future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def is_at(self, offset: int) -> None:
        """Kafka has acknowledged the command's record."""
        self._outcomes.placed(self, offset)

    def resolve(self, outcome: Outcome) -> None:
        """Once; whoever waited may have gone."""
        if not self.future.done():
            self.future.set_result(outcome)


class _Partition:
    """Of one partition: who waits, and what has been read lately."""

    def __init__(self) -> None:
        self.unplaced: set[Expected] = set()
        self.placed: dict[int, Expected] = {}
        self.recent: OrderedDict[int, list[Event]] = OrderedDict()
        self.early: dict[int, Outcome] = {}
        """Refusals and dead letters of commands of which one may be waited for."""
        self.last: int | None = None
        """The command whose event was read last."""

    def finish(self, offset: int | None) -> None:
        """All events of that command are there."""
        if offset is not None and (expected := self.placed.get(offset)) is not None and expected.events:
            expected.resolve(Accepted(expected.partition, offset, expected.events))


class Outcomes:
    """Of all partitions."""

    def __init__(self) -> None:
        self._partitions: dict[int, _Partition] = {}
        self._by_id: dict[str, list[Expected]] = {}
        """A start with an id of its own may be sent twice at the same time."""

    @contextmanager
    def expect(self, partition: int, command_id: str) -> Iterator[Expected]:
        """Wait for what becomes of a command that is sent to ``partition`` now."""
        of = self._partitions.setdefault(partition, _Partition())
        expected = Expected(self, partition, command_id)
        self._by_id.setdefault(command_id, []).append(expected)
        of.unplaced.add(expected)
        try:
            yield expected
        finally:
            self._by_id[command_id].remove(expected)
            if not self._by_id[command_id]:
                del self._by_id[command_id]
            of.unplaced.discard(expected)
            if expected.offset is not None:
                del of.placed[expected.offset]
            if not of.placed and not of.unplaced:
                del self._partitions[partition]

    def waits_in(self, partition: int) -> bool:
        """Whether events of the partition have to be read at all."""
        return partition in self._partitions

    def placed(self, expected: Expected, offset: int) -> None:
        """The command is at ``offset``."""
        of = self._partitions[expected.partition]
        of.unplaced.discard(expected)
        of.placed[offset], expected.offset = expected, offset
        expected.events += of.recent.pop(offset, ())
        if (outcome := of.early.pop(offset, None)) is not None:
            expected.resolve(outcome)
        if of.last != offset:
            of.finish(offset)
        if not of.unplaced:
            of.recent.clear()
            of.early.clear()

    def event(self, partition: int, event: Event) -> None:
        """An event was read."""
        if (of := self._partitions.get(partition)) is None:
            return
        _, _, cause = event.cause.partition(":")
        offset = int(cause) if cause.isdecimal() else None
        if offset != of.last:
            of.finish(of.last)
            of.last = offset
        if offset is None:
            return
        if (expected := of.placed.get(offset)) is not None:
            expected.events.append(event)
        elif of.unplaced:
            of.recent.setdefault(offset, []).append(event)
            if len(of.recent) > MAX_RECENT:
                of.recent.popitem(last=False)

    def unsettled(self) -> list[int]:
        """The partitions of which somebody has an event, but perhaps not all."""
        found = []
        for partition, of in self._partitions.items():
            expected = None if of.last is None else of.placed.get(of.last)
            if expected is not None and expected.events and not expected.future.done():
                found.append(partition)
        return found

    def settled(self, partition: int) -> None:
        """All that is committed has been read."""
        if (of := self._partitions.get(partition)) is not None:
            of.finish(of.last)

    def refused(self, command_id: str | None, refusal: Refused) -> None:
        """A rejection was read.  It tells the place of the record that was decided: of those who have sent the same
        command it is only that one's, unless the processor has carried it to another partition.
        """
        for expected in self._by_id.get(command_id or "", ()):
            if expected.partition != refusal.partition or expected.offset == refusal.offset:
                expected.resolve(refusal)
            elif expected.offset is None:
                self._partitions[expected.partition].early[refusal.offset] = refusal

    def dead_lettered(self, partition: int, offset: int, reason: str) -> None:
        """The command at that place is a dead letter."""
        if (of := self._partitions.get(partition)) is None:
            return
        outcome = DeadLettered(partition, offset, reason)
        if (expected := of.placed.get(offset)) is not None:
            expected.resolve(outcome)
        elif of.unplaced:
            of.early[offset] = outcome
