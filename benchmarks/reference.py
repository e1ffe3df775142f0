"""A fixed piece of work, to compare figures of different machines and days: how many of it does something cost?

The clock of one machine, and what else runs on it, change figures by more than a factor of two; ratios to this they
change little.  It is what an engine does all the time: calls, attributes, dictionaries, texts.
"""

import time
from statistics import median

ROUNDS = 200


class _Counter:
    __slots__ = ("count", "seen")

    def __init__(self) -> None:
        self.count = 0
        self.seen: dict[str, int] = {}

    def take(self, name: str) -> None:
        self.count += 1
        self.seen[name] = self.seen.get(name, 0) + 1


def _work() -> str:
    counter = _Counter()
    for number in range(40):
        counter.take(f"name-{number % 7}")
    return ",".join(sorted(counter.seen))


def reference_us() -> float:
    """CPU microseconds of the work, now and here: the median."""
    found = []
    for _ in range(ROUNDS):
        began = time.thread_time_ns()
        _work()
        found.append(time.thread_time_ns() - began)
    return round(median(found) / 1000, 2)
