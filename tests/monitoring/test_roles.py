"""Each role as a process with a web port: it says when it works, and why it does not."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.core.commands import Signal
from streams.settings import Settings
from streams.topics import Topics
from tests.answers import eventually
from tests.roles import running
from tests.site import make_site, migrated
from weir.client import CommandClient
from weir.role import MODULES
from weir.stack.ports import free_port_numbers


@pytest.fixture
async def site(settings: Settings, tmp_path: Path) -> tuple[Settings, Topics]:
    return await make_site(settings, tmp_path)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """The web port of the role that the test starts."""
    (number,) = free_port_numbers(1, 20000, 20999)
    monkeypatch.setenv("WEIR_WEB_PORT", str(number))
    return number


async def page(port: int, path: str, holds: Callable[[httpx.Response], bool]) -> httpx.Response:
    """The page once it holds."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        return await eventually(lambda: client.get(path), holds)


def values(response: httpx.Response) -> dict[str, float]:
    """The samples of a page, those of one metric summed up."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


@pytest.mark.parametrize("role", [role for role in MODULES if role not in {"processor", "api"}])
async def test_a_role_that_works_says_so(site: tuple[Settings, Topics], tmp_path: Path, port: int, role: str) -> None:
    settings, _ = site
    if role == "station":
        settings, _ = await make_site(settings, tmp_path, station=True)
        await migrated(settings.database_url)
    async with running(MODULES[role], settings, tmp_path) as process:
        good = await page(port, "/health", lambda found: found.status_code == 200)
        assert good.json()["role"] == role
        found = values(await page(port, "/metrics", lambda found: found.status_code == 200))
        assert found["weir_role_up"] == 1
        assert found["weir_role_info"] == 1
        if role == "projector":
            assert found["weir_retention_margin_seconds"] == 7 * 86_400
        await process.stop()


async def test_the_processors_numbers_are_those_of_its_work(
    site: tuple[Settings, Topics], tmp_path: Path, port: int
) -> None:
    settings, topics = site
    async with running(MODULES["processor"], settings, tmp_path) as process, CommandClient(settings) as client:
        for n in range(20):
            await client.send(Signal(name="go", key=f"key-{n}", payload={}))
        done = await page(port, "/metrics", lambda found: values(found).get("weir_processor_commands_total") == 20)
        found = values(done)
        assert found["weir_records_total"] == 20
        assert found["weir_processor_events_total"] >= 20
        assert found["weir_partitions_assigned"] == topics.partitions
        assert found["weir_transactions_total"] > 0
        assert found["weir_transaction_seconds_count"] == found["weir_transactions_total"]
        assert 0 < found["weir_transaction_seconds_sum"] < 20
        assert found["weir_batch_seconds_count"] == found["weir_batches_total"]
        at_rest = await page(port, "/metrics", lambda found: values(found).get("weir_lag_records") == 0)
        assert values(at_rest)["weir_lag_seconds"] == 0
        await process.stop()


async def test_a_projector_without_a_database_says_why(
    site: tuple[Settings, Topics], tmp_path: Path, port: int
) -> None:
    settings, _ = site
    (nowhere,) = free_port_numbers(1, 21000, 21999)
    away = settings.model_copy(update={"database_url": f"postgresql://weir:secret@127.0.0.1:{nowhere}/weir"})
    async with running(MODULES["projector"], away, tmp_path):
        found = await page(port, "/health", lambda found: "database" in found.text)
        assert found.status_code == 503
        assert f"127.0.0.1:{nowhere}/weir" in found.text
        assert "secret" not in found.text
        assert values(await page(port, "/metrics", lambda _: True))["weir_projector_database_up"] == 0
