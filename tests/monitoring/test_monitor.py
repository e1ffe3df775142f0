"""What a monitor says of its role, without any service."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from streams.histogram import Histogram
from streams.monitoring import Monitor, Sample
from streams.monitoring.transport import TransportMonitor
from streams.monitoring.web import MonitorPages
from streams.settings import Settings
from streams.transport.options import Counters, PartitionStatus, TransportOptions
from streams.transport.port import TopicPartition
from weir.stack.ports import free_port_numbers

NOW = 1_000_000.0
TP = TopicPartition("t", 0)


def lane(tp: TopicPartition = TP, **more: Any) -> Any:
    known = {"tp": tp, "batch": None, "handed_out_at": None, "answered_at": lambda: NOW}
    return SimpleNamespace(**known | more)


def took(*seconds: float) -> Histogram:
    histogram = Histogram()
    for one in seconds:
        histogram.observe(one)
    return histogram


def transport(*lanes: Any, assigned: tuple[TopicPartition, ...] = (TP,), **more: Any) -> Any:
    running = {one.tp: one for one in lanes}
    known = {
        "consumer": SimpleNamespace(assignment=lambda: set(assigned), lanes=running),
        "app": SimpleNamespace(rebalancing=False),
        "sources": {"t": None},
        "options": TransportOptions(client={}),
        "counters": Counters(records=7, transaction_s=took(2.5)),
        "status": lambda: [PartitionStatus("t", 0, 5, 3, None, NOW - 40)],
    }
    return SimpleNamespace(**known | more)


@pytest.mark.parametrize(
    ("tx", "reason"),
    [
        (transport(lane()), None),
        (transport(assigned=()), None),
        (transport(lane(batch=object(), handed_out_at=NOW - 14)), None),
        (
            transport(lane(batch=object(), handed_out_at=NOW - 16)),
            "a batch is being worked on for more than 15 s: t[0]",
        ),
        (transport(lane(answered_at=lambda: None)), None),
        (transport(lane(answered_at=lambda: NOW - 16)), "the broker has not answered for more than 15 s: t[0]"),
        (transport(lane(answered_at=lambda: NOW - 60, batch=object(), handed_out_at=NOW)), None),
        (transport(assigned=(TP, TopicPartition("changelog", 0))), "assigned and not started yet: t[0]"),
        (
            transport(assigned=tuple(TopicPartition("t", n) for n in range(5))),
            "assigned and not started yet: t[0], t[1], t[2] and 2 more",
        ),
        (transport(lane(), app=SimpleNamespace(rebalancing=True)), "the group is rebalancing"),
        (transport(consumer=None), "starting: not in the consumer group yet"),
    ],
)
def test_partitions_that_do_not_move_are_named(tx: Any, reason: str | None) -> None:
    assert TransportMonitor(tx, lambda: NOW).check() == reason


def test_what_the_transport_counts() -> None:
    monitor = TransportMonitor(transport(lane()), lambda: NOW)
    found = {(sample.name, sample.labels): sample.value for sample in monitor.samples()}
    assert found["weir_records_total", ()] == 7
    assert found["weir_transaction_seconds", ()].sum == 2.5
    assert found["weir_partitions_assigned", ("t",)] == 1
    assert found["weir_lag_records", ("t", "0")] == 3
    assert found["weir_lag_seconds", ("t", "0")] == 40
    assert monitor.lag_s("t") == 40
    assert monitor.lag_s("other") == 0


async def test_the_pages_say_why_a_role_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIR_RESTARTS", "2")
    monkeypatch.setenv("WEIR_LAST_END", "exit code 70")
    first, last = sorted(free_port_numbers(2, 20000, 20999))
    settings = Settings(_env_file=None, web_port=f"{first}-{last}", app_id="plant")
    monitor = Monitor("bridge", settings)
    troubles: list[str] = []
    monitor.check(lambda: troubles[0] if troubles else None)
    monitor.sample(lambda: [Sample("weir_bridge_under_way", 3)])
    pages, second = MonitorPages(settings, monitor), MonitorPages(settings, Monitor("router", settings))
    await pages.start()
    await second.start()
    try:
        assert pages.port == first
        assert second.port is not None
        assert second.port != first, "the first that is free"
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{first}") as client:
            good = await client.get("/health")
            assert (good.status_code, good.json()["status"], good.json()["role"]) == (200, "ok", "bridge")
            page = await client.get("/metrics")
            assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
            assert "weir_bridge_under_way 3.0" in page.text
            assert "weir_role_up 1.0" in page.text
            assert 'weir_role_restarts_total{last_end="exit code 70"} 2.0' in page.text
            troubles.append("no connection")
            bad = await client.get("/health")
            assert (bad.status_code, bad.json()["reasons"]) == (503, ["no connection"])
            assert "weir_role_up 0.0" in (await client.get("/metrics")).text
    finally:
        await pages.stop()
        await second.stop()


async def test_a_role_whose_port_is_taken_works_without_pages() -> None:
    (port,) = free_port_numbers(1, 20000, 20999)
    settings = Settings(_env_file=None, web_port=str(port))
    first, second = (MonitorPages(settings, Monitor("router", settings)) for _ in range(2))
    await first.start()
    await second.start()
    assert (first.port, second.port) == (port, None)
    await second.stop()
    await first.stop()


@pytest.mark.parametrize("text", ["", "0", "70000", "18100-", "-18100", "web", "18131-18100", "1-2-3"])
def test_a_port_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="web_port"):
        Settings(_env_file=None, web_port=text)


def test_ports() -> None:
    assert list(Settings(_env_file=None, web_port=18100).web_ports) == [18100]
    assert list(Settings(_env_file=None, web_port="18100-18102").web_ports) == [18100, 18101, 18102]
    assert not Settings(_env_file=None).web_ports
