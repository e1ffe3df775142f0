"""Retry and drop: a letter's fate is committed together with what it tells of.

    take the transactional id ─► read the topic to its end ─► a transaction for up to ``MAX_A_TRANSACTION`` letters:
                                                              the records again, and the fates

One id for all operators of an app: whoever takes it fences the one before, whose open transaction has ended by then.
So what is read afterwards is all that was ever settled, and a letter is settled once, whoever crashes or comes between.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from streams.core.durations import instant_text
from streams.kafka import client_options
from streams.log import Log, Spans, opened
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.kafka_writer import KafkaWriter
from streams.transport.options import TransportOptions
from streams.transport.port import FencedError, Message, OutcomeUnknownError, RefusedError, TopicPartition, Writer
from weir.letters.letter import Fate, Letter, What
from weir.letters.reading import LetterError, Progress, find, partitions, scan
from weir.letters.selection import Selection
from weir.letters.sending import NotRetryableError, Send, Sending

MAX_A_TRANSACTION = 100
MAX_BYTES = 4 * 1024 * 1024
"""After so many bytes a transaction is committed, however few letters it holds."""


@dataclass(frozen=True)
class Order:
    """What to do with the letters that ``selection`` asks for, at most ``limit`` of them, the oldest first."""

    what: What
    selection: Selection
    by: str
    why: str = ""
    limit: int | None = None


@dataclass
class Settled:
    """``done`` has the letters that were settled, each with its fate; ``left`` those that were not, and why."""

    done: list[Letter] = field(default_factory=list)
    left: list[tuple[Letter, str]] = field(default_factory=list)


@dataclass
class _Pending:
    letters: list[Letter] = field(default_factory=list)
    outputs: dict[TopicPartition, list[Message]] = field(default_factory=dict)
    size: int = 0

    def add(self, letter: Letter, sends: Sequence[Send]) -> None:
        self.letters.append(replace(letter, value=None))
        for tp, message in sends:
            self.outputs.setdefault(tp, []).append(message)
            self.size += len(message[1] or b"")

    @property
    def is_full(self) -> bool:
        return len(self.letters) >= MAX_A_TRANSACTION or self.size >= MAX_BYTES


class Desk:
    """One operator's hold on the letters, as long as nobody else takes it."""

    def __init__(self, log: Log, topics: Topics, writer: Writer | None, now: Callable[[], float] = time.time) -> None:
        """Without a ``writer`` everything is looked at and nothing sent.  ``now`` is Unix seconds of wall time."""
        self._log, self._topics, self._writer, self._now = log, topics, writer, now
        self._sending = Sending(topics)

    async def settle(self, order: Order, progress: Progress = lambda _done, _total: None) -> Settled:
        """Carry out ``order``.  Raises ``LetterError``: the letters settled by then are, and the others are not."""
        spans = await self._log.settled(partitions(self._topics))
        found = await find(self._log, spans, order.selection)
        settled = Settled()
        settled.left = [(letter, _settled_before(letter.fate)) for letter in found if letter.fate is not None]
        if not order.selection.places:
            settled.left.clear()  # nobody asked for them
        chosen = [letter for letter in found if letter.fate is None][: order.limit]
        pending = _Pending()
        async for letter in self._whole(spans, chosen):
            try:
                sends = self._sending.again(letter) if order.what == "retried" else []
            except NotRetryableError as error:
                settled.left.append((replace(letter, value=None), str(error)))
                continue
            fate = Fate(
                letter=str(letter.place),
                what=order.what,
                by=order.by,
                time=instant_text(int(self._now() * 1000)),
                why=order.why,
                to=sorted({tp.topic for tp, _ in sends}),
            )
            home = TopicPartition(self._topics.dead_letters.name, letter.place.partition)
            pending.add(replace(letter, fate=fate), [*sends, (home, fate.record())])
            if pending.is_full:
                await self._commit(pending, settled)
                pending = _Pending()
            progress(len(settled.done) + len(settled.left), len(chosen))
        await self._commit(pending, settled)
        progress(len(chosen), len(chosen))
        return settled

    async def _whole(self, spans: Spans, chosen: Sequence[Letter]) -> AsyncIterator[Letter]:
        """The chosen letters with their values, from the first to the last."""
        wanted = {letter.place for letter in chosen}
        parts: Spans = {}
        for tp, span in spans.items():
            offsets = [place.offset for place in wanted if place.partition == tp.partition]
            if offsets:
                parts[tp] = span._replace(start=min(offsets), end=max(offsets) + 1)
        async for one in scan(self._log, parts):
            if isinstance(one, Letter) and one.place in wanted:
                yield one

    async def _commit(self, pending: _Pending, settled: Settled) -> None:
        if not pending.letters:
            return
        if self._writer is not None:
            try:
                await self._writer.transact(pending.outputs, {})
            except FencedError as error:
                raise LetterError(
                    f"Somebody else settles dead letters now. {len(settled.done)} were settled here; run it again for "
                    "the rest"
                ) from error
            except (RefusedError, OutcomeUnknownError) as error:
                raise LetterError(
                    f"Expected Kafka to confirm {len(pending.letters)} letters, but got: {error}. All of these are "
                    f"settled, or none; {len(settled.done)} before them are. `weir dead-letters list --all` tells"
                ) from error
        settled.done += pending.letters


def _settled_before(fate: Fate | None) -> str:
    assert fate is not None
    return f"it was {fate.what} by {fate.by} at {fate.time}"


@asynccontextmanager
async def desk(settings: Settings, topics: Topics, *, dry_run: bool = False) -> AsyncIterator[Desk]:
    """A desk on the broker.  Raises ``KafkaError``."""
    writer = None
    if not dry_run:
        options = TransportOptions(client=client_options(settings))
        writer = await KafkaWriter.open(f"{settings.app_id}-dead-letters", settings.app_id, options)
    try:
        async with opened(settings) as log:
            yield Desk(log, topics, writer)
    finally:
        if writer is not None:
            await writer.close()
