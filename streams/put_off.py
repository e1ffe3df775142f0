"""Timers that raise: each is tried again, later and later, until it does what it is for or nobody waits for it.

An instance whose timer raises fails, and is seen.  What else waits for a moment (a schedule, a key, a correlation
key, a pattern) cannot fail: without its timer it would wait until somebody else takes the partition over.  Like all
timers these are memory only: whoever does so tries at once.
"""

from collections.abc import Sequence

from streams.core.due import Timer

FIRST_PAUSE_MS, MAX_PAUSE_MS = 1_000, 300_000
"""Wall time until a timer is tried again: the first time, and at most."""

Change = tuple[list[Timer], list[Timer]]
"""What is over, and what came instead."""


class PutOff:
    """Those of one partition; the timer backend has them no more.  ``wall_ms`` are Unix milliseconds of wall time."""

    def __init__(self) -> None:
        self._known: dict[Timer, tuple[float, float]] = {}
        """When each is tried again, and the pause before that."""
        self._tried: list[Timer] = []

    def __len__(self) -> int:
        return len(self._known)

    def next_due(self) -> float | None:
        """The wall time at which the next one is tried."""
        return min((at for at, _ in self._known.values()), default=None)

    def due(self, wall_ms: float, horizon_ms: int, limit: int) -> list[Timer]:
        """Up to ``limit`` to try, in their order; none that is due behind ``horizon_ms`` of plant time.

        They stay here until a batch has committed what became of them.
        """
        found = sorted(one for one, (at, _) in self._known.items() if at <= wall_ms and one.due_ms <= horizon_ms)
        self._tried = found[:limit]
        return self._tried

    def settled(self, changes: list[Change], raised: Sequence[tuple[int, Timer]], wall_ms: float) -> list[Change]:
        """The batch has committed; returns the ``changes`` that are for the backend.

        ``raised`` are the timers that did, each with how many changes there were before.
        """
        if not self._known and not raised:
            return changes
        kept: list[Change] = []
        at = 0
        for number, timer in raised:
            kept += [(self._others(over), new) for over, new in changes[at:number]]
            at = number
            if timer not in self._known:
                kept.append(([timer], []))
            _, before = self._known.get(timer, (0.0, FIRST_PAUSE_MS / 2))
            pause = min(before * 2, MAX_PAUSE_MS)
            self._known[timer] = wall_ms + pause, pause
        kept += [(self._others(over), new) for over, new in changes[at:]]
        again = {timer for _, timer in raised}
        for timer in self._tried:  # whom one that did not raise was for does not wait any more
            if timer not in again:
                self._known.pop(timer, None)
        self._tried = []
        return kept

    def _others(self, over: list[Timer]) -> list[Timer]:
        """Those that are the backend's."""
        return [timer for timer in over if self._known.pop(timer, None) is None]
