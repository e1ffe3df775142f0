"""The watchdog, tick by tick, over a consumer that is made up."""

import itertools
import re
from types import SimpleNamespace

import pytest

from streams.transport import watchdog as watchdog_module
from streams.transport.options import Counters, TransportOptions
from streams.transport.port import TopicPartition
from streams.transport.watchdog import Watchdog

TP = TopicPartition("in", 0)
PATIENCE = {"start": 5.0, "broker": 6.0, "take": 7.0, "group": 8.0, "unassigned": 9.0}


class ProcessEnded(BaseException):
    """Stands for the exit of the process."""


class FakeBatch:
    """A batch as the watchdog sees it."""

    def __init__(self, *, taken=True) -> None:
        self.taken = taken

    def __repr__(self) -> str:
        return "in[0] [0, 5)"


class FakeLane:
    """A lane as the watchdog sees it: all is well until a test says otherwise."""

    now = itertools.count()

    def __init__(self) -> None:
        self.batch, self.position, self.lag, self.wake, self.answers = None, 0, 0, None, True
        self.commits = SimpleNamespace(running=None)
        self._answered = next(self.now)

    def answered_at(self):
        if self.answers:
            self._answered = next(self.now)
        return self._answered

    def overdue(self):
        return self.wake

    def status(self):
        return SimpleNamespace(lag=self.lag)


@pytest.fixture
def plant():
    """A consumer with a lane, and its watchdog."""

    def fatal(message, error=None):
        raise ProcessEnded(message)

    async def leave_group(*, for_good):
        plant.left.append(for_good)

    patience = {f"{name}_timeout_s": seconds for name, seconds in PATIENCE.items()}
    options = TransportOptions(client={}, stall_after_s=3.0, **patience)
    tx = SimpleNamespace(options=options, sources={"in": None}, counters=Counters(), fatal=fatal, probes=[], excuses=[])
    app = SimpleNamespace(consumer_generation_id=1, tables=SimpleNamespace(recovery=SimpleNamespace(progress_at=0.0)))
    plant = SimpleNamespace(tx=tx, lanes={}, assignment=lambda: {TP}, app=app, left=[], leave_group=leave_group)
    plant.membership = SimpleNamespace(joined=True, unassigned=frozenset())
    plant.lane = plant.lanes[TP] = FakeLane()
    plant.watchdog = Watchdog(plant)
    return plant


def unstarted(plant):
    plant.lanes.clear()


def unanswered(plant):
    plant.lane.answers = False


def late_wakes(plant):
    plant.lane.wake = 1_000.0


def untaken(plant):
    plant.lane.batch = FakeBatch(taken=False)


def ungrouped(plant):
    plant.membership.joined = False


def unassigned(plant):
    plant.membership.unassigned = frozenset({TP})


def unfed(plant):
    plant.tx.probes.append(lambda: "the tail has ended")


def stalls(plant):
    plant.lane.batch = FakeBatch()


def slow_commits(plant):
    plant.lane.commits.running = 7


ENDING = {
    unstarted: ("start", "in[0]: assigned, but not started, without progress in recovery, for 5.0 s"),
    unanswered: ("broker", "in[0]: the broker has not answered, for 6.0 s"),
    late_wakes: ("broker", "in[0]: the wake time has passed, but no batch was handed out, for 6.0 s"),
    untaken: ("take", "in[0]: no agent takes batch in[0] [0, 5), for 7.0 s"),
    ungrouped: ("group", "no place in the consumer group, for 8.0 s"),
    unassigned: ("unassigned", "in[0]: the group has assigned them to nobody"),
    unfed: ("start", "the tail has ended, for 5.0 s"),
}
TOLD = {stalls: "in[0] has records but stands still", slow_commits: "in[0]: Kafka has not confirmed a transaction"}


async def tick(plant, times):
    for _ in range(times):
        await plant.watchdog.tick()


@pytest.mark.parametrize("kind", ENDING, ids=lambda kind: kind.__name__)
async def test_what_a_restart_heals_is_told_once_and_ends_the_process(plant, kind, caplog):
    patience, message = ENDING[kind]
    kind(plant)
    await tick(plant, int(PATIENCE[patience]))
    assert getattr(plant.tx.counters, kind.__name__) == 1
    assert len([record for record in caplog.records if message.rsplit(", for")[0] in record.message]) == 1
    assert plant.left == []
    with pytest.raises(ProcessEnded, match=re.escape(message)):
        await tick(plant, 1)
    assert plant.left == ([True] if kind is unassigned else []), "what nobody has is assigned anew without us"


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.__name__)
async def test_what_ends_by_a_time_limit_of_its_own_is_told_once(plant, kind, caplog):
    kind(plant)
    await tick(plant, 50)
    assert getattr(plant.tx.counters, kind.__name__) == 1
    assert len([record for record in caplog.records if TOLD[kind] in record.message]) == 1


@pytest.mark.parametrize("kind", [*ENDING, *TOLD], ids=lambda kind: kind.__name__)
async def test_what_is_over_in_time_is_not_told(plant, kind):
    for _ in range(3):
        kind(plant)
        await tick(plant, 2)
        plant.lanes[TP] = plant.lane = FakeLane()
        plant.tx.probes.clear()
        plant.membership.joined, plant.membership.unassigned = True, frozenset()
        await tick(plant, 1)
    assert plant.tx.counters == Counters()


async def test_a_start_that_waits_for_something_outside_is_excused(plant):
    said = ["the database is away"]
    plant.tx.excuses.append(lambda: said[0])
    unstarted(plant)
    await tick(plant, 50)
    assert plant.tx.counters == Counters()
    said[0] = None
    with pytest.raises(ProcessEnded, match="assigned, but not started"):
        await tick(plant, int(PATIENCE["start"]) + 1)


async def test_progress_is_no_standing_still(plant):
    lane, progress = plant.lane, iter(range(10**6))
    plant.tx.probes.append(lambda: f"read up to {next(progress)}")
    for i in range(50):
        lane.position, lane.lag, lane.wake, lane.commits.running = i, 5, 1_000.0 + i, i
        await tick(plant, 1)
    plant.lanes.clear()
    for i in range(50):
        plant.app.tables.recovery.progress_at = float(i)
        await tick(plant, 1)
    assert plant.tx.counters == Counters()


async def test_a_lane_that_works_on_a_batch_asks_the_broker_for_nothing(plant):
    plant.lane.batch, plant.lane.answers, plant.lane.wake = FakeBatch(), False, 1_000.0
    await tick(plant, 50)
    assert plant.tx.counters == Counters(stalls=1)


def test_every_kind_is_counted_told_of_and_tested():
    kinds = set(re.findall(r"^    (\w+)  +\S.*  \S", watchdog_module.__doc__, re.MULTILINE)) - {"kind"}
    assert kinds == {kind.__name__ for kind in [*ENDING, *TOLD]}
    assert kinds == Counters().standstills().keys()
