"""When the gate closes, without any service."""

from collections.abc import Awaitable, Callable

import pytest

from streams.lag import Lag
from streams.settings import Settings
from streams.topics import load_topics
from tests.site import TOPICS
from weir.api.gate import STALE_S, Gate
from weir.api.run import is_loopback


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def answering(lag: Lag) -> Callable[[], Awaitable[Lag]]:
    async def ask() -> Lag:
        return lag

    return ask


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> Gate:
    settings = Settings(_env_file=None, topics_file=TOPICS, api_max_lag_records=10, api_max_lag_s=5.0)
    return Gate(settings, load_topics(settings), clock)


@pytest.mark.parametrize(
    ("lag", "kind"),
    [
        (Lag(0, 0.0), None),
        (Lag(10, 5.0), None),
        (Lag(11, 1.0), "overloaded"),
        (Lag(1, 5.1), "overloaded"),
        (Lag(10, None), None),
        (Lag(11, None), "overloaded"),
    ],
)
async def test_beyond_either_limit_it_is_closed(gate: Gate, lag: Lag, kind: str | None) -> None:
    await gate.look(answering(lag))
    refusal = gate.closed()
    assert (None if refusal is None else refusal.kind) == kind
    assert gate.check() is None, "overload is not ill health"


async def test_what_was_sent_since_the_last_look_counts(gate: Gate) -> None:
    await gate.look(answering(Lag(8, 0.1)))
    gate.sent()
    gate.sent()
    assert gate.closed() is None
    gate.sent()
    assert gate.closed() is not None
    await gate.look(answering(Lag(3, 0.1)))
    assert gate.closed() is None


async def test_what_is_sent_during_a_look_counts_until_the_next(gate: Gate) -> None:
    async def ask() -> Lag:
        for _ in range(3):
            gate.sent()
        return Lag(8, 0.1)

    await gate.look(ask)
    assert gate.closed() is not None, "it may be in no answer yet"
    await gate.look(answering(Lag(8, 0.1)))
    assert gate.closed() is None


@pytest.mark.parametrize(("seconds", "after"), [(0.5, "1"), (6.0, "3"), (600.0, "30")])
async def test_who_is_refused_is_told_when_to_come_back(gate: Gate, seconds: float, after: str) -> None:
    await gate.look(answering(Lag(1000, seconds)))
    refusal = gate.closed()
    assert refusal is not None
    assert refusal.status == 503
    assert refusal.headers == {"Retry-After": after}


async def test_a_lag_that_nobody_knows_closes_the_gate_and_is_ill_health(gate: Gate, clock: Clock) -> None:
    assert gate.closed() is not None, "not asked yet"
    await gate.look(answering(Lag(0, 0.0)))
    clock.now += STALE_S
    assert gate.closed() is None
    clock.now += 0.1
    refusal = gate.closed()
    assert refusal is not None
    assert refusal.kind == "kafka_unreachable"
    assert gate.check() is not None


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("10.0.0.7", False),
        ("plant", False),
    ],
)
def test_only_addresses_of_this_machine_need_no_warning(host: str, ours: bool) -> None:
    assert is_loopback(host) == ours
