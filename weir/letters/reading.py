"""The topic read: letters, each with what became of it.

A fate stands behind its letter, so the topic is read to its end before anything is said of a letter.  Values are left
out of what is kept: the topic may hold gigabytes.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from streams.log import Log, Spans
from streams.topics import Topics
from streams.transport.port import TopicPartition
from weir.letters.letter import Fate, Letter, read_record
from weir.letters.selection import Selection

Progress = Callable[[int, int], None]
"""Called with how much is done, and of how much."""


class LetterError(Exception):
    """There is no such letter, or the letters cannot be settled now; the message says why."""


def partitions(topics: Topics) -> list[TopicPartition]:
    """The partitions that hold letters."""
    return [TopicPartition(topics.dead_letters.name, number) for number in range(topics.dead_letters.partitions)]


async def find(log: Log, spans: Spans, selection: Selection) -> list[Letter]:
    """The letters that ``selection`` asks for, in the order of the topic, without their values."""
    found: dict[str, Letter] = {}
    async for one in scan(log, spans):
        if isinstance(one, Fate):
            letter = found.get(one.letter)
            if letter is not None and letter.fate is None:
                found[one.letter] = replace(letter, fate=one)
        elif selection.holds(one):
            found[str(one.place)] = replace(one, value=None)
    return list(found.values())


async def whole(log: Log, spans: Spans, letter: Letter) -> Letter:
    """``letter`` with its value.  Raises ``LetterError`` when it is gone meanwhile."""
    tp = next(tp for tp in spans if tp.partition == letter.place.partition)
    span = spans[tp]._replace(start=letter.place.offset, end=letter.place.offset + 1)
    async for one in scan(log, {tp: span}):
        if isinstance(one, Letter):
            return replace(one, fate=letter.fate)
    raise LetterError(f"Expected letter {letter.place} on {tp.topic}, but it is gone")


async def scan(log: Log, spans: Spans) -> AsyncIterator[Letter | Fate]:
    """Letters with their values, and fates, in the order of the topic."""
    async for chunk in log.read(spans):
        for record in chunk.records:
            if (one := read_record(chunk.tp.partition, record)) is not None:
                yield one
