"""The bridge is asked for what it has under way, among the ports that this machine's roles may have taken."""

from streams.lag import Lag
from streams.monitoring import Monitor, Sample
from streams.monitoring.web import MonitorPages
from streams.settings import Settings
from weir.bridge_lag import ask_bridge
from weir.stack.ports import free_port_numbers


def role(name: str, settings: Settings, under_way: int = 0) -> MonitorPages:
    monitor = Monitor(name, settings)
    monitor.sample(
        lambda: [Sample("weir_bridge_under_way", under_way), Sample("weir_bridge_oldest_seconds", under_way / 2)]
    )
    return MonitorPages(settings, monitor)


async def test_the_bridge_of_this_plant_is_found_among_others() -> None:
    (port,) = free_port_numbers(1, 22000, 22990)
    ours = Settings(_env_file=None, web_port=f"{port}-{port + 9}", app_id="ours")
    theirs = ours.model_copy(update={"brokers": "elsewhere:9092"})
    assert await ask_bridge(ours) is None
    pages = [role("router", ours, 9), role("bridge", theirs, 8), role("bridge", ours, 3)]
    for page in pages:
        await page.start()
    try:
        assert await ask_bridge(ours) == Lag(3, 1.5)
        assert await ask_bridge(ours.model_copy(update={"web_host": "0.0.0.0"})) == Lag(3, 1.5)
        assert await ask_bridge(ours.model_copy(update={"app_id": "nobody"})) is None
    finally:
        for page in pages:
            await page.stop()
