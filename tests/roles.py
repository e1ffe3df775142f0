"""A role as a process of its own, and what is on a topic: for tests of whole roles on the real broker."""

import asyncio
import gc
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

from streams.kafka import client_options
from streams.ready import VARIABLE as READY_FILE
from streams.ready import told
from streams.settings import Settings
from tests.forking import Forked

DEADLINE_S = 60.0


class Role:
    """A running role; its output is in ``log``, and it tells in the file ``ready`` when it works."""

    def __init__(self, process: Forked | asyncio.subprocess.Process, log: Path, ready: Path) -> None:
        self.process, self.log, self._ready = process, log, ready

    def output(self) -> str:
        return self.log.read_text()

    async def said(self, text: str, times: int = 1) -> None:
        """Wait until the role has written ``text``."""
        await until(lambda: self.output().count(text) >= times, lambda: f"no {text!r} in:\n{self.output()}")

    async def works(self) -> None:
        """Wait until it says that it works."""
        await until(lambda: told(self._ready, self.process.pid) is True, lambda: f"not ready:\n{self.output()}")

    async def kill(self) -> None:
        """Kill it without a chance to clean up."""
        self.process.kill()
        await self.process.wait()

    async def stop(self, *, ready: bool = True) -> float:
        """SIGTERM; seconds until it had ended, with code 0.

        Once it is ``ready``, since a process that is still importing its modules dies of the signal.  Where it cannot
        become ready, wait for a word of it before.
        """
        if ready:
            await self.works()
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = await self.process.wait()
        assert code == 0, f"ended with {code}:\n{self.output()}"
        return time.monotonic() - began


@asynccontextmanager
async def running(module: str, settings: Settings, folder: Path) -> AsyncIterator[Role]:
    """``module``'s ``run(settings)`` in a process that is killed at the end."""
    log = folder / f"{module}-{time.monotonic_ns()}.log"
    ready = log.with_suffix(".ready")
    own = {**environment(settings), READY_FILE: str(ready)}
    process = await asyncio.to_thread(Forked, log, own, be, module)
    role = Role(process, log, ready)
    try:
        yield role
    finally:
        if process.returncode is None:
            await role.kill()


def be(module: str) -> None:
    """Be that role, with the settings of the environment, until told to stop."""
    gc.disable()  # as ``weir.role`` does
    role = import_module(module)
    gc.enable()
    role.run(Settings())


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which ``Settings()`` equals ``settings`` (of what the tests set)."""
    own = {
        "REDPANDA_BROKERS": settings.brokers,
        "DATABASE_URL": settings.database_url,
        "PROCESS_ENGINE_GROUP_ID": settings.app_id,
        "WEIR_MQTT_URL": settings.mqtt_url,
        "WEIR_TOPICS_FILE": str(settings.topics_file),
        "WEIR_PARTITIONS": str(settings.partitions),
        "WEIR_CLOCK": settings.clock,
        "WEIR_SESSION_TIMEOUT_S": str(settings.session_timeout_s),
        "WEIR_API_PORT": str(settings.api_port),
        "WEIR_API_MAX_LAG_RECORDS": str(settings.api_max_lag_records),
        "WEIR_API_AUTH": settings.api_auth,
        **({"WEIR_TRACES_ENDPOINT": endpoint} if (endpoint := settings.traces_endpoint) else {}),
        **({"WEIR_API_ADMIN_KEY": key.get_secret_value()} if (key := settings.api_admin_key) else {}),
        "WEIR_API_MAX_LAG_S": str(settings.api_max_lag_s),
    }
    return {**os.environ, **own}


async def until(holds: Callable[[], bool], explain: Callable[[], str], deadline_s: float = DEADLINE_S) -> None:
    """Wait until ``holds``."""
    end = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < end, explain()
        await asyncio.sleep(0.02)


@asynccontextmanager
async def reading(settings: Settings, topic: str, partitions: int) -> AsyncIterator["Topic"]:
    """A reader of all committed records of ``topic``, from its beginning."""
    consumer = AIOKafkaConsumer(
        **client_options(settings),
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    consumer.assign([TopicPartition(topic, number) for number in range(partitions)])
    try:
        yield Topic(consumer)
    finally:
        await consumer.stop()


class Topic:
    """What was read so far, in ``records``."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.records: list[ConsumerRecord] = []

    async def until(self, holds: Callable[[list[ConsumerRecord]], bool]) -> list[ConsumerRecord]:
        """Read until ``holds(records)``."""
        end = time.monotonic() + DEADLINE_S
        while not holds(self.records):
            assert time.monotonic() < end, f"only {len(self.records)} records: {self.records[-3:]}"
            await self.look()
        return self.records

    async def look(self) -> None:
        """Read what there is, within a tenth of a second."""
        for records in (await self._consumer.getmany(timeout_ms=100)).values():
            self.records += records

    async def count(self, number: int) -> list[ConsumerRecord]:
        """Read until there are ``number`` records."""
        return await self.until(lambda records: len(records) >= number)
