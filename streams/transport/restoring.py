"""Tables restored from the chunks of their changelogs: what is begun, what counts, and what is to be read again.

What was fetched for one assignment may come when the next has had the tables forget what they held: it is no beginning.
A partition is begun by its recovery, before that seeks.  What comes earlier is left aside, and read again after the
seek; what does not go on where the table ends is read again from there; the rest counts, whichever assignment it was
fetched for, since it is what the changelog says.  So nothing is left aside that the reader has passed for good.

``recovery.py`` drives this from Faust.  No Faust in here: the simulation drives it from its own broker.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping

from streams.transport.contents import TableContents
from streams.transport.fatal import Fatal
from streams.transport.port import Chunk, TopicPartition

MAX_GAPS = 3
"""So often in a row a chunk may not go on where the table ends: a seek may cross a fetch, but not again and again."""

Firsts = Callable[[Collection[TopicPartition]], Awaitable[Mapping[TopicPartition, int | None]]]


class Restoring:
    """Of one process, from one assignment to the next."""

    def __init__(self, fatal: Fatal) -> None:
        self._fatal = fatal
        self._gaps: Counter[TopicPartition] = Counter()
        """By changelog: chunks in a row that did not go on where the table ends."""

    async def begin(self, tables: Mapping[TopicPartition, TableContents], firsts: Firsts) -> None:
        """Begin the changelogs of which nothing is known, before the reader seeks; ``firsts`` asks where they begin."""
        unknown = [tp for tp, contents in tables.items() if not contents.is_begun(tp.partition)]
        if unknown:
            for tp, first in (await firsts(unknown)).items():
                tables[tp].begin(tp.partition, first or 0)

    def take(self, contents: TableContents, chunk: Chunk) -> int | None:
        """Apply changelog records.  Returns where to read on, when the chunk does not go on where the table ends."""
        tp = chunk.tp
        at = contents.position.get(tp.partition)
        if at is None:
            return None  # fetched before the present assignment has sought
        if contents.apply_chunk(chunk):
            self._gaps.pop(tp, None)
            return None
        self._gaps[tp] += 1
        if self._gaps[tp] > MAX_GAPS:
            self._fatal(
                f"Expected {tp.topic}[{tp.partition}] to go on at {at}, but got [{chunk.start}, {chunk.end}): "
                "changelog records are missing"
            )
        return at
