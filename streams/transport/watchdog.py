"""The watchdog: what stands still without any error.

    kind          stands still                                               the process ends after
    unstarted     partitions assigned, no progress in recovery, no lane      start_timeout_s, without an excuse
    unanswered    a lane waits, and the broker answers none of its fetches   broker_timeout_s
    late_wakes    the wake time has passed, and no batch was handed out      broker_timeout_s
    untaken       a batch waits for an agent that does not come              take_timeout_s
    slow_commits  a transaction is not confirmed                             (commit_timeout_s does it)
    stalls        a partition has records and does not move                  (batch_timeout_s does it)
    ungrouped     the member does not get into the group                     group_timeout_s
    unassigned    partitions of our topics that the group gave to nobody     unassigned_timeout_s
    unfed         what the role told us to look at (``Transport.watch``)     start_timeout_s

Each is logged and counted once it lasts ``stall_after_s``, and once only; the process ends where a restart heals.  One
that ends because of ``unassigned`` leaves the group first, also as a static member: what it leaves behind is that the
group assigns anew.

Time is counted in own ticks, not by a clock: a process that was stopped (SIGSTOP, a sleeping machine) is not late.
"""

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from streams.transport.fatal import logger
from streams.transport.port import TopicPartition

if TYPE_CHECKING:
    from streams.transport.consumer import LaneConsumer
    from streams.transport.lane import Lane

TICK_S = 1.0


class _Still:
    """Something that has looked the same for ``seconds``."""

    def __init__(self, token: Any) -> None:
        self.token, self.seconds, self.told = token, 0.0, False


class Watchdog:
    """``tick`` is called once every ``TICK_S`` seconds."""

    def __init__(self, consumer: "LaneConsumer") -> None:
        self._consumer, self._tx = consumer, consumer.tx
        self._still: dict[tuple[str, Hashable], _Still] = {}
        self._seen: set[tuple[str, Hashable]] = set()

    async def tick(self) -> None:
        """Look once."""
        self._seen.clear()
        self._check_start()
        for tp, lane in self._consumer.lanes.items():
            self._check_lane(tp, lane)
        for probe in self._tx.probes:
            said = probe()
            self._check("unfed", id(probe), said, said or "", self._tx.options.start_timeout_s)
        await self._check_group()
        for key in self._still.keys() - self._seen:
            del self._still[key]

    def _check(self, kind: str, where: Hashable, token: Any, says: str, end_after_s: float | None = None) -> None:
        """``token`` is None when nothing stands still, else it changes with every progress."""
        if self._lasts(kind, where, token, says, end_after_s):
            self._tx.fatal(f"{says}, for {end_after_s} s")

    def _lasts(self, kind: str, where: Hashable, token: Any, says: str, end_after_s: float | None) -> bool:
        """Whether it has lasted for ``end_after_s``; logs and counts on the way."""
        if token is None:
            return False
        key = (kind, where)
        self._seen.add(key)
        still = self._still.get(key)
        if still is None or still.token != token:
            self._still[key] = _Still(token)
            return False
        still.seconds += TICK_S
        if still.seconds >= self._tx.options.stall_after_s and not still.told:
            still.told = True
            self._tx.counters.standing(kind)
            logger.error("%s, for %.0f s", says, still.seconds)
        return end_after_s is not None and still.seconds >= end_after_s

    def _check_start(self) -> None:
        consumer = self._consumer
        waiting = {tp for tp in consumer.assignment() if tp.topic in self._tx.sources} - consumer.lanes.keys()
        progress = (frozenset(waiting), consumer.app.consumer_generation_id, consumer.app.tables.recovery.progress_at)
        says = f"{_names(waiting)}: assigned, but not started, without progress in recovery"
        excused = any(probe() for probe in self._tx.excuses)
        token = progress if waiting and not excused else None
        self._check("unstarted", None, token, says, self._tx.options.start_timeout_s)

    def _check_lane(self, tp: TopicPartition, lane: "Lane") -> None:
        options, batch, where = self._tx.options, lane.batch, _names([tp])
        idle, behind = batch is None, batch is not None or (lane.status().lag or 0) > 0
        doing = "no batch is being worked on" if idle else f"batch {batch!r} is being worked on"
        self._check(
            "unanswered",
            tp,
            ("answered", lane.answered_at()) if idle else None,
            f"{where}: the broker has not answered",
            options.broker_timeout_s,
        )
        self._check("stalls", tp, lane.position if behind else None, f"{where} has records but stands still; {doing}")
        untaken = batch is not None and not batch.taken
        says = f"{where}: no agent takes batch {batch!r}"
        self._check("untaken", tp, lane.position if untaken else None, says, options.take_timeout_s)
        self._check("slow_commits", tp, lane.commits.running, f"{where}: Kafka has not confirmed a transaction")
        says = f"{where}: the wake time has passed, but no batch was handed out"
        self._check("late_wakes", tp, lane.overdue() if idle else None, says, options.broker_timeout_s)

    async def _check_group(self) -> None:
        membership, options = self._consumer.membership, self._tx.options
        if membership is None:
            return
        says = "no place in the consumer group"
        self._check("ungrouped", None, None if membership.joined else "out", says, options.group_timeout_s)
        nobodys = membership.unassigned
        says = f"{_names(nobodys)}: the group has assigned them to nobody"
        if self._lasts("unassigned", None, nobodys or None, says, options.unassigned_timeout_s):
            await self._consumer.leave_group(for_good=True)
            self._tx.fatal(says)


def _names(tps: Any) -> str:
    return ", ".join(f"{topic}[{partition}]" for topic, partition in sorted(tps))
