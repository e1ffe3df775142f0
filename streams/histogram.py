"""How often what took how long: counts in fixed buckets, as Prometheus's histograms are, cheap enough anywhere."""

from bisect import bisect_left
from collections.abc import Iterator

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of what takes from a millisecond to minutes."""


class Histogram:
    """Observations since it was made."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...] = SECONDS) -> None:
        """``bounds`` ascend; each is the highest value of its bucket, and one more bucket is for what is beyond all."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and (self.bounds, self.counts, self.sum) == (
            other.bounds, other.counts, other.sum,
        )  # fmt: skip

    __hash__ = None  # type: ignore[assignment]  # it changes

    def observe(self, value: float, times: int = 1) -> None:
        """Count ``value``, in the unit of the bounds."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.sum += value * times

    @property
    def count(self) -> int:
        """How many were observed."""
        return sum(self.counts)

    def buckets(self) -> Iterator[tuple[str, int]]:
        """Each bound, as Prometheus writes it, with how many were not above it; ``+Inf`` last."""
        below = 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            below += count
            yield bound, below
