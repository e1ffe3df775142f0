"""The brokers of the transport tests."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.transport.harness import Worker
from tests.transport.ports import KafkaPort, MemoryPort
from tests.transport.simulation import Simulation


@pytest.fixture(scope="session")
def brokers(request: pytest.FixtureRequest) -> str:
    """Address of the real broker; ``WEIR_TEST_BROKERS`` names one that runs already."""
    return os.environ.get("WEIR_TEST_BROKERS") or request.getfixturevalue("stack").brokers


@pytest.fixture(params=["memory", "kafka"])
async def port(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """Each implementation of the port in turn."""
    tested = MemoryPort() if request.param == "memory" else KafkaPort(request.getfixturevalue("brokers"))
    yield tested
    await tested.close()


@pytest.fixture
def app() -> str:
    """Id of an app that nobody else uses."""
    return f"app-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def start_worker(brokers: str, app: str) -> Iterator[Any]:
    """``start_worker(**config)`` starts a worker process of ``app``; all are killed after the test."""
    workers: list[Worker] = []

    def start(worker: Worker | None = None, **config: object) -> Worker:
        workers.append(worker.again() if worker is not None else Worker(**{"app": app, "brokers": brokers} | config))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


@pytest.fixture(autouse=True)
async def _end_lanes() -> AsyncIterator[None]:
    yield
    for simulation in Simulation.running:
        await simulation.close()
    Simulation.running.clear()
