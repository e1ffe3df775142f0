"""A loop in which no time passes would run until the step limit stops it."""

from collections.abc import Mapping, Sequence

from streams.core.report import Report
from streams.core.validation.parts import Parts


def check(parts: Parts, report: Report) -> None:
    """The first loop that is found without a wait."""
    ways = {one.id: [] if one.waits() else list(one.ways().values()) for _, one in parts.activities}
    if (loop := _a_loop(ways)) is not None:
        raw = next(raw for raw, one in parts.activities if one.id == loop[0])
        report.add(
            raw.steps,
            f"The loop {' → '.join([*loop, loop[0]])} never waits",
            "Put a timer, a message or a service that a worker performs into it",
        )


def _a_loop(ways: Mapping[str, Sequence[str]]) -> list[str] | None:
    """The ids of one loop, in order: depth first, without recursion."""
    done: set[str] = set()
    for root in ways:
        trail = [root] if root not in done else []
        branches = [iter(ways[root])] if trail else []
        on_trail = set(trail)
        while trail:
            following = next(branches[-1], None)
            if following is None:
                done.add(trail[-1])
                on_trail.discard(trail.pop())
                branches.pop()
            elif following in on_trail:
                return trail[trail.index(following) :]
            elif following in ways and following not in done:
                trail.append(following)
                on_trail.add(following)
                branches.append(iter(ways[following]))
    return None
