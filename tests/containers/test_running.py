"""Our services of ``docker-compose.yml``, run here: their commands, their environment, the image's files and health
check, on the test services in place of the three of others.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from streams import ready
from streams.settings import Settings
from tests.containers.files import health_command, load_compose
from tests.roles import until
from tests.site import own_topics
from weir.role import MODULES
from weir.stack.ports import free_port_numbers

pytestmark = pytest.mark.timeout(600)


class Containers:
    """What is started of the compose file, in ``image``, a folder that holds what the image's holds."""

    def __init__(self, settings: Settings, image: Path) -> None:
        self.image = image
        self.services: dict[str, Any] = load_compose(PROCESS_ENGINE_GROUP_ID=settings.app_id)["services"]
        self._there = {"DATABASE_URL": settings.database_url, "REDPANDA_BROKERS": settings.brokers}
        self._there |= {"WEIR_MQTT_URL": settings.mqtt_url}
        (port,) = free_port_numbers(1, 20000, 20999)
        self._own = {"WEIR_API_PORT": str(port)}  # published as 18080, which another plant of this machine may have

    def environment(self, service: str) -> dict[str, str]:
        """Of the compose file, but for the names of its network; nothing of this process's own."""
        given: dict[str, str] = self.services[service]["environment"]
        assert self._there.keys() <= given.keys()
        image = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": "/nonexistent"}
        return given | self._there | self._own | image | {ready.VARIABLE: str(self.image.parent / f"{service}.ready")}

    def log(self, service: str) -> Path:
        return self.image.parent / f"{service}.log"

    async def start(self, service: str) -> asyncio.subprocess.Process:
        program, *arguments = self.services[service]["command"]
        with self.log(service).open("wb") as output:
            return await asyncio.create_subprocess_exec(
                str(Path(sys.executable).parent / program),
                *arguments,
                env=self.environment(service),
                cwd=self.image,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
            )

    async def healthy(self, service: str) -> bool:
        check = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", health_command(), env=self.environment(service), stderr=asyncio.subprocess.DEVNULL
        )
        return await check.wait() == 0


@pytest.fixture
def containers(settings: Settings, tmp_path: Path) -> Iterator[Containers]:
    image = tmp_path / "app"
    (image / "redpanda").mkdir(parents=True)
    own_topics(settings, image / "redpanda", station=True)
    image.chmod(0o555)
    yield Containers(settings, image)
    image.chmod(0o755)


async def finished(process: asyncio.subprocess.Process) -> None:
    """End it, whatever it does."""
    if process.returncode is None:
        process.kill()
        await process.wait()


async def test_all_of_it_comes_up_and_goes_down(containers: Containers) -> None:
    async with AsyncExitStack() as stack:
        for service in ("topics", "migrate", "topics", "migrate"):  # `docker compose up` runs them again each time
            process = await containers.start(service)
            stack.push_async_callback(finished, process)
            assert await process.wait() == 0, containers.log(service).read_text()

        roles: dict[str, asyncio.subprocess.Process] = {}
        for name in MODULES:
            roles[name] = await containers.start(name)
            stack.push_async_callback(finished, roles[name])
        for name, process in roles.items():
            async with asyncio.timeout(120):
                while not await containers.healthy(name):
                    assert process.returncode is None, containers.log(name).read_text()
                    await asyncio.sleep(0.2)

        for name, process in roles.items():
            process.send_signal(signal.Signals[containers.services[name]["stop_signal"]])
        for name, process in roles.items():
            await until(lambda process=process: process.returncode is not None, containers.log(name).read_text)
            assert process.returncode == 0, containers.log(name).read_text()
            assert not await containers.healthy(name)
        assert [path.name for path in containers.image.iterdir()] == ["redpanda"]
