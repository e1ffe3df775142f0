"""The watchdog, tick by tick, over a consumer that is made up."""

from types import SimpleNamespace

import pytest

from streams.transport.options import Counters, TransportOptions
from streams.transport.port import TopicPartition
from streams.transport.watchdog import Watchdog

TP = TopicPartition("in", 0)


class ProcessEnded(BaseException):
    """Stands for the exit of the process."""


class FakeLane:
    """A lane as the watchdog sees it."""

    def __init__(self) -> None:
        self.batch, self.position, self.lag, self.answered = None, 0, 0, 0.0

    def answered_at(self):
        return self.answered

    def status(self):
        return SimpleNamespace(lag=self.lag)


@pytest.fixture
def consumer():
    def fatal(message, error=None):
        raise ProcessEnded(message)

    options = TransportOptions(client={}, start_timeout_s=5.0, broker_timeout_s=5.0, stall_after_s=3.0)
    tx = SimpleNamespace(options=options, sources={"in": None}, counters=Counters(), fatal=fatal)
    recovery = SimpleNamespace(progress_at=0.0)
    app = SimpleNamespace(consumer_generation_id=1, tables=SimpleNamespace(recovery=recovery))
    return SimpleNamespace(tx=tx, lanes={}, assignment=lambda: {TP}, app=app)


def test_assigned_but_never_started_ends_the_process(consumer):
    watchdog = Watchdog(consumer)
    for _ in range(5):
        watchdog.tick()
    with pytest.raises(ProcessEnded, match=r"in\[0\]: assigned, but not started after 5.0 s"):
        watchdog.tick()


def test_a_recovery_that_makes_progress_may_take_its_time(consumer):
    watchdog = Watchdog(consumer)
    for i in range(50):
        consumer.app.tables.recovery.progress_at = float(i)
        watchdog.tick()
    consumer.lanes[TP] = FakeLane()
    for i in range(50):
        consumer.lanes[TP].answered = i
        watchdog.tick()


def test_a_broker_that_stops_answering_ends_the_process(consumer):
    watchdog, lane = Watchdog(consumer), FakeLane()
    consumer.lanes[TP] = lane
    for i in range(20):
        lane.answered = i
        watchdog.tick()
    lane.batch = "a batch: the lane does not wait for the broker"
    for _ in range(20):
        watchdog.tick()
    lane.batch = None
    for _ in range(4):
        watchdog.tick()
    with pytest.raises(ProcessEnded, match=r"the broker has not answered for 5\.0 s"):
        watchdog.tick()


def test_a_partition_that_stands_still_is_logged_and_counted(consumer, caplog):
    watchdog, lane = Watchdog(consumer), FakeLane()
    consumer.lanes[TP] = lane
    lane.batch = "in[0] [0, 5)"
    for i in range(8):
        lane.answered = i
        watchdog.tick()
    assert consumer.tx.counters.stalls == 2
    assert "in[0] has records but stands still for 3 s; batch 'in[0] [0, 5)' is being worked on" in caplog.text
    for position in range(1, 9):
        lane.position, lane.answered = position, 100 + position
        watchdog.tick()
    assert consumer.tx.counters.stalls == 2, "it moves"
    lane.batch, lane.lag = None, 0
    for i in range(8):
        lane.answered = 200 + i
        watchdog.tick()
    assert consumer.tx.counters.stalls == 2, "there is nothing to do"
