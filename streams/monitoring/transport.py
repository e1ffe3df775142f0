"""What the transport of a role counts, and what keeps its partitions from moving.

A partition works when its lane runs: a batch is being worked on for less than ``stall_after_s``, or the broker answers
its fetches.  A member without partitions works too: it is there for when another one goes.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from faust.exceptions import ConsumerNotStarted

from streams.monitoring.exposition import Sample
from streams.transport.app import Transport
from streams.transport.port import TopicPartition

ANSWER_S = 15.0
"""An idle lane's fetches are answered every ``fetch_wait_ms``; one whose are not for so long has lost its broker."""
MAX_NAMED = 3


class TransportMonitor:
    """Of an app's transport; ``wall`` gives Unix seconds."""

    def __init__(self, tx: Transport, wall: Callable[[], float] = time.time) -> None:
        self._tx, self._wall = tx, wall

    def samples(self) -> Iterator[Sample]:
        """Totals since the start of the process, and each partition now."""
        counted = self._tx.counters
        for name, value in (
            ("weir_records_total", counted.records),
            ("weir_batches_total", counted.batches),
            ("weir_batch_reruns_total", counted.reruns),
            ("weir_transactions_total", counted.transactions),
            ("weir_outputs_total", counted.outputs),
            ("weir_batch_seconds", counted.batch_s),
            ("weir_transaction_seconds", counted.transaction_s),
            ("weir_reseeks_total", counted.reseeks),
            ("weir_missing_offsets_total", counted.missing_offsets),
            ("weir_stalls_total", counted.stalls),
        ):
            yield Sample(name, value)
        for kind, times in counted.standstills().items():
            yield Sample("weir_standstills_total", times, (kind,))
        lanes = self._tx.status()
        assigned = Counter(lane.topic for lane in lanes)
        for topic in self._tx.sources:
            yield Sample("weir_partitions_assigned", assigned[topic], (topic,))
        now = self._wall()
        for lane in lanes:
            labels = (lane.topic, str(lane.partition))
            if lane.lag is not None:
                yield Sample("weir_lag_records", lane.lag, labels)
            yield Sample("weir_lag_seconds", 0.0 if lane.oldest_at is None else max(0.0, now - lane.oldest_at), labels)

    def lag_s(self, topic: str) -> float:
        """Age of the oldest record of ``topic`` that this process is working on; 0 when it works on none."""
        oldest = [lane.oldest_at for lane in self._tx.status() if lane.topic == topic and lane.oldest_at is not None]
        return max(0.0, self._wall() - min(oldest)) if oldest else 0.0

    def check(self) -> str | None:
        """Why partitions of this process do not move."""
        consumer = self._tx.consumer
        try:
            assigned = consumer.assignment() if consumer is not None else None
        except ConsumerNotStarted:
            assigned = None
        if consumer is None or assigned is None:
            return "starting: not in the consumer group yet"
        if self._tx.app.rebalancing:
            return "the group is rebalancing"
        waiting = [tp for tp in assigned if tp.topic in self._tx.sources and tp not in consumer.lanes]
        if waiting:
            return f"assigned and not started yet: {_named(waiting)}"
        limit, now = self._tx.options.stall_after_s, self._wall()
        lanes = list(consumer.lanes.values())
        stuck = [lane.tp for lane in lanes if lane.handed_out_at is not None and now - lane.handed_out_at > limit]
        if stuck:
            return f"a batch is being worked on for more than {limit:g} s: {_named(stuck)}"
        silent = [lane.tp for lane in lanes if lane.batch is None and now - (lane.answered_at() or now) > ANSWER_S]
        return f"the broker has not answered for more than {ANSWER_S:g} s: {_named(silent)}" if silent else None


def _named(tps: Sequence[TopicPartition]) -> str:
    more = f" and {len(tps) - MAX_NAMED} more" if len(tps) > MAX_NAMED else ""
    return ", ".join(f"{topic}[{partition}]" for topic, partition in sorted(tps)[:MAX_NAMED]) + more
