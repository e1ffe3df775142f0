"""What the temperature-control process must do with a series, computed from the series alone.

Written from the meaning of ``definitions/temperature-control.yaml``; it imports nothing of the engine that it judges.

A reading above the threshold starts an instance, unless one is running for the machine.  The instance asks for
cooling; the action takes a moment.  Five minutes after the action a timer fires, and the temperature *then*, which is
that of the machine's latest reading, decides: at or below the threshold the cooling was successful, above it the
instance escalates.  Either way the instance is over, long before another reading comes.

With one reading in five minutes this is, for an instance that reading ``i`` starts: the action ends a little after
``i``, so the timer fires a little after reading ``i + 1`` and sees it.  Reading ``i + 1`` itself came while the
instance was running, so it starts nothing; ``i + 2`` may start the next instance.  Where the series ends, the latest
reading is the last one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

TIMER = timedelta(minutes=5)
AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Episode:
    """One instance: the indices of the reading that starts it and of the one that its recheck sees, and the outcome."""

    started_by: int
    rechecked_at: int
    cooled: bool


@dataclass(frozen=True, slots=True)
class Expectation:
    """Counts over any number of machines.  Every instance sends one command."""

    readings: int
    started: int
    cooled: int
    escalated: int


def episodes(
    values: Sequence[float], threshold: float, interval: timedelta = TIMER, response: timedelta = AT_ONCE
) -> list[Episode]:
    """The instances of one machine whose readings, ``interval`` apart, have these values; in order.

    ``response`` is what an instance takes beyond its timer: nothing to speak of, unless the plant's clock runs so fast
    that a machine's reading comes before the answer to the last.
    """
    meanwhile = (TIMER + response) // interval
    found = []
    at = 0
    while at < len(values):
        if values[at] <= threshold:
            at += 1
            continue
        latest = min(at + meanwhile, len(values) - 1)
        found.append(Episode(at, latest, values[latest] <= threshold))
        at += meanwhile + 1
    return found


def expect(
    machines: Sequence[Sequence[float]], threshold: float, interval: timedelta = TIMER, response: timedelta = AT_ONCE
) -> Expectation:
    """The counts for machines that run in parallel, each on its own series of values."""
    all_episodes = [episode for values in machines for episode in episodes(values, threshold, interval, response)]
    cooled = sum(episode.cooled for episode in all_episodes)
    return Expectation(sum(map(len, machines)), len(all_episodes), cooled, len(all_episodes) - cooled)
