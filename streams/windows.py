"""Patterns' windows in a partition that has a new owner: which of them are not as the definitions ask for.

What a new version changes is dropped when it is seen next; a rebuilt table has no windows at all.  So whoever takes a
partition over drops those of patterns that are no more, and opens those of keys that are missed even if they were never
seen, with its first batches.
"""

from collections.abc import Iterable, Mapping

from streams.core.commands import AlignWindow
from streams.core.ids import partition_for
from streams.core.patterns import Window
from streams.core.process import Process
from streams.core.state import WindowName
from streams.core.triggers import CompiledPattern

MAX_A_BATCH = 1_000


class Unaligned:
    """The windows of one partition that are to be looked at."""

    def __init__(self, active: Iterable[Process]) -> None:
        """``active`` are the definitions that start instances now."""
        self._patterns: Mapping[tuple[str, int], CompiledPattern] = {
            (process.id, pattern.index): pattern for process in active for pattern in process.patterns
        }
        self._known: set[str] = set()
        self._records: list[str] = []
        self._taken = 0

    def restore(self, window: Window) -> None:
        """Note a window of the table; ``complete`` follows the last one."""
        name = WindowName.of(window.name)
        pattern = self._patterns.get((name.definition_id, name.trigger))
        if pattern is None or pattern.pattern.fingerprint != window.pattern:
            self._records.append(window.name)
        elif name.key in pattern.keys:
            self._known.add(window.name)

    def complete(self, partition: int, partitions: int) -> None:
        """The keys that live in this partition and that no window of the table is for."""
        for (definition_id, trigger), pattern in self._patterns.items():
            records = (
                WindowName(definition_id, trigger, key).record
                for key in sorted(pattern.keys)
                if partition_for(key, partitions) == partition
            )
            self._records += [record for record in records if record not in self._known]
        self._patterns, self._known = {}, set()

    def __bool__(self) -> bool:
        return bool(self._records)

    def take(self) -> list[AlignWindow]:
        """What the next batch asks for; taken for good by ``settled``, else offered again."""
        taken = self._records[:MAX_A_BATCH]
        self._taken = len(taken)
        return [AlignWindow(record=record) for record in taken]

    def settled(self) -> None:
        """The batch has committed."""
        del self._records[: self._taken]
        self._taken = 0
