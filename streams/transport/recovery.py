"""Table and recovery: Faust's flow of assignment and restore, with chunks instead of messages.

Recovery ends by the fetch position, which passes transaction markers and aborted records.  Stock Faust waits for a
record at the very end of the changelog, which after a transaction never comes.  A record is applied before the position
that covers it is reported, so "recovered" means "applied".

What chunks do to the tables is ``restoring.py``'s.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import Any

import faust
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from mode import Service

from streams.ready import Reached
from streams.transport.contents import TableContents
from streams.transport.port import Chunk
from streams.transport.restoring import Restoring

CHECK_S = 0.2
"""An end of recovery that brings no record (empty changelog, only markers) is noticed after this time."""


class TransactionalTable(faust.Table):  # type: ignore[misc]
    """Bytes to bytes; written through ``batch.transaction()`` only.  ``contents`` is never ahead of the changelog."""

    mundane_level = "debug"

    def __init__(self, app: Any, **options: Any) -> None:
        options.update(key_type=bytes, value_type=bytes)
        super().__init__(app, **options)
        self.contents = TableContents()

    @property
    def changelog(self) -> str:
        """Name of the changelog topic: ``<app id>-<table name>-changelog``."""
        name: str = self.changelog_topic.get_topic_name()
        return name

    def partition(self, partition: int) -> Mapping[bytes, bytes]:
        """Everything in one partition, position records (``contents.POSITION``) included."""
        return self.contents.parts.get(partition, {})

    def items(self, partition: int | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Entities of one partition, or of all that this process holds, without position records."""
        return self.contents.items(partition)

    def persisted_offset(self, tp: Any) -> int | None:
        """Faust's recovery continues from here, so nothing is read twice after a rebalance."""
        at = self.contents.position.get(tp.partition)
        return at - 1 if at else None

    def __getitem__(self, key: bytes) -> bytes:
        for part in self.contents.parts.values():
            if key in part:
                return part[key]
        raise KeyError(key)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        raise TypeError("write through the batch transaction: txn[key] = value")

    def __delitem__(self, key: bytes) -> None:
        raise TypeError("write through the batch transaction: del txn[key]")

    def __len__(self) -> int:
        return sum(len(part) for part in self.contents.parts.values())


class ChunkRecovery(Recovery):  # type: ignore[misc]
    """Restores the active partitions of all tables.  There are no standbys: recovery reads 177,000 keys a second."""

    mundane_level = "debug"

    progress_at = 0.0
    """Monotonic seconds of the last applied chunk, for the watchdog."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._restoring = Restoring(lambda message, error=None: self.app.tx.fatal(message, error))

    def apply_chunk(self, chunk: Chunk) -> int | None:
        """Apply changelog records; called between batches of nothing else, in the main loop.

        Returns where to read on, when the chunk does not go on where the table ends.
        """
        tp = chunk.tp
        if tp not in self.active_tps:
            return None  # not ours
        contents: TableContents = self.tp_to_table[tp].contents
        wanted = self._restoring.take(contents, chunk)
        if wanted is None and contents.is_begun(tp.partition):
            self.active_offsets[tp] = contents.position[tp.partition] - 1
            self.progress_at = time.monotonic()
            self._check()
        return wanted

    def reached(self) -> Reached | None:
        """How far the recovery is; ``None`` when none is under way, or its end is not known yet."""
        ends = self.active_highwaters
        total = sum(end + 1 for end in ends.values())
        if not self.in_recovery or not total:
            return None
        return Reached(sum(min(self.active_offsets[tp], end) + 1 for tp, end in ends.items()), total)

    async def _seek_offsets(self, consumer: Any, tps: Any, offsets: Any, title: str) -> None:
        """Begin the partitions of which nothing is known, then seek: what was left aside before is read again."""
        tables = {tp: self.tp_to_table[tp].contents for tp in tps}
        await self._restoring.begin(tables, lambda unknown: consumer.earliest_offsets(*unknown))
        await super()._seek_offsets(consumer, tps, offsets, title)

    async def on_rebalance(self, assigned: Any, revoked: Any, newly_assigned: Any, generation_id: int = 0) -> None:
        """Let Faust plan what is to be restored; ``assignment.py`` has decided what tables keep."""
        self.active_offsets.clear()  # rebuilt from table.persisted_offset
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    async def _wait(self, coro: Any, timeout: Any = None) -> None:  # noqa: ARG002, ASYNC109
        """Without Faust's timeout, at which the recovery ends in silence, for this assignment and all to come.

        What is waited for may take long: a start waits for the database that has the positions, however long that is
        away.  Requests to Kafka have timeouts of their own, and the watchdog says what does not move.
        """
        await super()._wait(coro)

    def _set_recovery_started(self) -> None:
        self.signal_recovery_end.clear()
        super()._set_recovery_started()

    def _check(self) -> None:
        if self.in_recovery and not self.need_recovery():
            self._set_recovery_ended()
            self.signal_recovery_end.set()

    @Service.task  # type: ignore[untyped-decorator]
    async def _slurp_changelogs(self) -> None:
        while not self.should_stop:
            await asyncio.sleep(CHECK_S)
            self._check()


class ChunkTableManager(TableManager):  # type: ignore[misc]
    """Faust's manager with our recovery."""

    mundane_level = "debug"

    _recovery: ChunkRecovery | None = None

    @property
    def recovery(self) -> ChunkRecovery:
        """Made on first use, as Faust does."""
        if self._recovery is None:
            self._recovery = ChunkRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
