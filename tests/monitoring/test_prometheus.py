"""A real Prometheus answers every panel and every alert, over a page that has each metric of the catalogue.

It is taken from the path, or unpacked from Debian's package; where neither can be had the tests are skipped, and
``test_dashboards.py`` is what holds.
"""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import web

from streams.histogram import Histogram
from streams.monitoring.catalogue import METRICS
from streams.monitoring.exposition import CONTENT_TYPE, Sample, expose
from tests.answers import eventually
from tests.monitoring.dashboards import ALERTS, promql
from weir.stack.ports import free_port_numbers

FETCH_S = 60
LABELS: dict[str, tuple[str, ...]] = {
    "status": ("running", "completed", "failed", "timeout", "created", "500"),
    "outcome": ("completed", "failed"),
    "role": ("processor",),
}
"""Values of labels that a question asks for; any other label has one of no meaning."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with ``prometheus`` and ``promtool``."""
    found = shutil.which("prometheus")
    if found is not None and shutil.which("promtool") is not None:
        return Path(found).parent
    folder = tmp_path_factory.mktemp("prometheus")
    try:
        subprocess.run(
            ["apt-get", "download", "prometheus"], cwd=folder, check=True, capture_output=True, timeout=FETCH_S
        )
        [package] = folder.glob("*.deb")
        subprocess.run(["dpkg", "-x", package, folder], check=True, capture_output=True, timeout=FETCH_S)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        pytest.skip(f"no Prometheus: {error}")
    return folder / "usr" / "bin"


def page(times: int) -> bytes:
    """Every metric with every value that matters of its labels, as it is when it was asked for so many times."""
    samples = []
    for name, metric in METRICS.items():
        for labels in product(*(LABELS.get(label, ("x",)) for label in metric.labels)):
            took = Histogram()
            took.observe(0.02, times)
            samples.append(Sample(name, took if metric.kind == "histogram" else float(times), labels))
    return expose(samples)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prometheus(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one that has scraped the page some times."""
    folder = tmp_path_factory.mktemp("data")
    port, mine = free_port_numbers(2, 21000, 21999)
    times = 0

    async def metrics(_: web.Request) -> web.Response:
        nonlocal times
        times += 1
        return web.Response(body=page(times), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", mine).start()
    scrape: dict[str, Any] = {"job_name": "api", "static_configs": [{"targets": [f"127.0.0.1:{mine}"]}]}
    config = {"global": {"scrape_interval": "500ms", "scrape_timeout": "400ms"}, "scrape_configs": [scrape]}
    (folder / "prometheus.yml").write_text(str(config))  # a dict of texts is YAML too
    process = await asyncio.create_subprocess_exec(
        programs / "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            counted = {"query": "count_over_time(weir_role_up[1m])"}
            await eventually(
                lambda: client.get("/api/v1/query", params=counted),
                lambda found: bool(found.is_success and result(found) and int(result(found)[0]["value"][1]) > 3),
            )
            yield client
    finally:
        process.terminate()
        await process.wait()
        await runner.cleanup()


def result(response: httpx.Response) -> list[Any]:
    found: list[Any] = response.json()["data"]["result"]
    return found


@pytest.mark.asyncio(loop_scope="module")
async def test_it_answers_every_panel(prometheus: httpx.AsyncClient) -> None:
    empty, asked = [], promql()
    alerts = {one.of for one in asked if ":" not in one.of}
    for question in asked:
        answer = await prometheus.get("/api/v1/query", params={"query": question.text})
        assert answer.status_code == 200, f"{question.of}: {answer.text}"
        if not result(answer) and question.of not in alerts:
            empty.append(question.of)
    assert empty == []
    assert len(alerts) > 10


def test_it_takes_the_alerts(programs: Path) -> None:
    checked = subprocess.run(
        [programs / "promtool", "check", "rules", ALERTS], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
