"""What all kinds of moments share: the next one after an instant, and what follows from that alone."""

from typing import NamedTuple, Protocol


class Moments(Protocol):
    """A strictly increasing sequence of instants, without memory."""

    def next_after(self, ms: int) -> int | None:
        """The first moment later than ``ms``; ``None`` when there is none."""
        ...


class Passed(NamedTuple):
    """Moments that have come: the newest ``latest``, oldest first, and the first and last of older ones."""

    latest: list[int]
    older: tuple[int, int] | None


def passed(moments: Moments, first: int, now: int, most: int) -> Passed:
    """The moments from ``first`` until ``now``; at most ``most`` of them as ``latest``.

    ``first`` was one of them when it was set; with a new edition of the time zones it may be none any more.
    """
    found: list[int] = []
    at: int | None = first
    while at is not None and at <= now and len(found) <= most:
        found.append(at)
        at = moments.next_after(at)
    if len(found) <= most:
        return Passed(found, None)
    latest: list[int] = []
    until = now
    while len(latest) < most:
        last = last_until(moments, until, first)
        assert last is not None
        latest.append(last)
        until = last - 1
    before = last_until(moments, until, first)
    return Passed(latest[::-1], (first, first if before is None else before))


def last_until(moments: Moments, ms: int, not_before: int) -> int | None:
    """The last moment in ``[not_before, ms]``; ``None`` when there is none.

    Found by bisection: however long the span and however dense the moments, in some dozens of steps.
    """
    found = moments.next_after(not_before - 1)
    if found is None or found > ms:
        return None
    low, high = found, ms  # next_after(low - 1) <= ms, and nothing is known of what comes after high
    while low < high:
        middle = (low + high + 1) // 2
        later = moments.next_after(middle - 1)
        if later is None or later > ms:
            high = middle - 1
        else:
            low = later
    return low
