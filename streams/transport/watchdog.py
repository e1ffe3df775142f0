"""The watchdog: what stands still without any error.

* Partitions are assigned, recovery makes no progress, and there is still no lane: Faust lost its way between assignment
  and start.  The process ends.
* A lane waits for records, and the broker has not answered its fetches for long: the broker is lost.  The process ends,
  so that a supervisor sees it.
* A partition has records and does not move: logged and counted; ``batch_timeout_s`` ends it when a batch hangs.

Time is counted in own ticks, not by a clock: a process that was stopped (SIGSTOP, a sleeping machine) is not late.
"""

from typing import TYPE_CHECKING

from streams.transport.fatal import logger
from streams.transport.port import TopicPartition

if TYPE_CHECKING:
    from streams.transport.consumer import LaneConsumer

TICK_S = 1.0


class Watchdog:
    """``tick`` is called once every ``TICK_S`` seconds."""

    def __init__(self, consumer: "LaneConsumer") -> None:
        self._consumer, self._tx = consumer, consumer.tx
        self._idle_start_s = 0.0
        self._start_progress: object = None
        self._answers: dict[TopicPartition, tuple[float | None, float]] = {}
        self._moves: dict[TopicPartition, tuple[int, float]] = {}

    def tick(self) -> None:
        """Look once."""
        self._check_start()
        lanes = self._consumer.lanes
        for tp in (self._answers.keys() | self._moves.keys()) - lanes.keys():
            self._answers.pop(tp, None)
            self._moves.pop(tp, None)
        for tp in lanes:
            self._check_answers(tp)
            self._check_movement(tp)

    def _check_start(self) -> None:
        consumer, limit = self._consumer, self._tx.options.start_timeout_s
        waiting = {tp for tp in consumer.assignment() if tp.topic in self._tx.sources} - consumer.lanes.keys()
        progress = (frozenset(waiting), consumer.app.consumer_generation_id, consumer.app.tables.recovery.progress_at)
        if not waiting or progress != self._start_progress:
            self._start_progress, self._idle_start_s = progress, 0.0
            return
        self._idle_start_s += TICK_S
        if self._idle_start_s >= limit:
            names = ", ".join(f"{tp.topic}[{tp.partition}]" for tp in sorted(waiting))
            self._tx.fatal(f"{names}: assigned, but not started after {limit} s without progress in recovery")

    def _check_answers(self, tp: TopicPartition) -> None:
        lane, limit = self._consumer.lanes[tp], self._tx.options.broker_timeout_s
        answered_at = lane.answered_at()
        last, silent_s = self._answers.get(tp, (None, 0.0))
        silent_s = silent_s + TICK_S if answered_at == last and lane.batch is None else 0.0
        self._answers[tp] = (answered_at, silent_s)
        if silent_s >= limit:
            self._tx.fatal(f"{tp.topic}[{tp.partition}]: the broker has not answered for {limit} s")

    def _check_movement(self, tp: TopicPartition) -> None:
        lane, limit = self._consumer.lanes[tp], self._tx.options.stall_after_s
        position, still_s = self._moves.get(tp, (-1, 0.0))
        behind = lane.batch is not None or (lane.status().lag or 0) > 0
        still_s = still_s + TICK_S if behind and position == lane.position else 0.0
        self._moves[tp] = (lane.position, still_s)
        if still_s >= limit and (still_s - limit) % limit < TICK_S:
            self._tx.counters.stalls += 1
            state = (
                f"batch {lane.batch!r} is being worked on" if lane.batch is not None else "no batch is being worked on"
            )
            logger.error("%s[%d] has records but stands still for %.0f s; %s", *tp, still_s, state)
