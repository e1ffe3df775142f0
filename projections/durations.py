"""How long instances and their activities take, for ``/metrics``: from the events that this process has projected.

An instance's start is in its id.  An activity's is remembered until it ends; what began before this process did, or
waits behind too many others, is not counted.  Nothing is read, and nothing is kept: a restart begins anew, as counters
of Prometheus do.  What is remembered also spares ``activity_rollups`` most of its questions, and so it must be true: a
partition that comes back from another projector is forgotten.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from projections.feeds.events import InstanceEvent
from projections.tables.activity_rollups import BEGINS, ENDS
from projections.tables.base import Place
from projections.tables.process_rollups import partition_of
from streams.core.durations import instant_ms
from streams.histogram import Histogram
from streams.monitoring import Sample

BOUNDS_S = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0, 604_800.0)
"""From what needs no waiting to a week."""
MAX_OPEN = 50_000
COMPLETED = "completed"


class Durations:
    """Of completed instances by definition, and of activities by definition and name; seconds of plant time."""

    def __init__(self) -> None:
        self.instances: defaultdict[str, Histogram] = defaultdict(_histogram)
        self.activities: defaultdict[tuple[str, str], Histogram] = defaultdict(_histogram)
        self.under_way: dict[Place, datetime] = {}
        """Since when."""

    def note(self, items: Iterable[InstanceEvent]) -> None:
        """What a batch tells that is in the database."""
        begun = self.under_way
        for instance, event in items:
            kind = event.type
            if kind == BEGINS:
                if len(begun) >= MAX_OPEN:
                    del begun[next(iter(begun))]
                begun[instance, event.activity_id, event.token] = event.time
            elif kind in ENDS:
                since = begun.pop((instance, event.activity_id, event.token), None)
                if since is not None and event.activity_id is not None:
                    took_s = (event.time - since).total_seconds()
                    self.activities[event.definition_id, event.activity_id].observe(took_s)
            elif kind == COMPLETED:
                began_ms = int.from_bytes(instance[:6], "big")
                self.instances[event.definition_id].observe(max(0, instant_ms(event.time) - began_ms) / 1000)

    def forget(self, partitions: Collection[int]) -> None:
        """What is under way in ``partitions``, which another process may have projected meanwhile."""
        for place in [place for place in self.under_way if partition_of(place[0]) in partitions]:
            del self.under_way[place]

    def samples(self) -> Iterator[Sample]:
        """For ``/metrics``."""
        for definition, took in self.instances.items():
            yield Sample("weir_instance_seconds", took, (definition,))
        for labels, took in self.activities.items():
            yield Sample("weir_activity_seconds", took, labels)


def _histogram() -> Histogram:
    return Histogram(BOUNDS_S)
