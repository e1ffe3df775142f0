"""One worker over fresh topics, for the benchmarks of the transport."""

import asyncio
import json
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.services import KafkaStack, remove
from streams import transport
from weir.stack.ports import free_ports

PARTITIONS = 8


class Run:
    """One worker over fresh topics."""

    def __init__(self, brokers: str, options: dict[str, Any], max_records: int) -> None:
        self.brokers, self.options, self.max_records = brokers, options, max_records
        self.app = f"bench-{uuid.uuid4().hex[:8]}"
        self.directory = tempfile.TemporaryDirectory(prefix="bench-")
        self.log = Path(self.directory.name) / "log"

    async def create_topics(self) -> None:
        """Input, output, changelog."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.brokers)
        await admin.start()
        names = [self.app + suffix for suffix in ("-in", "-out", "-state-changelog")]
        await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
        await admin.close()
        await asyncio.sleep(0.5)

    def start(self, *, timers: bool = False, plainly: bool = False) -> subprocess.Popen[bytes]:
        """Start the worker; ``plainly`` without the transport."""
        config = {
            "app": self.app,
            "brokers": self.brokers,
            "datadir": self.directory.name,
            "options": self.options,
            "timers": timers,
            "plain": plainly,
            "batch_bytes": transport.TransportOptions(client={}, **self.options).batch_bytes,
            "max_records": self.max_records,
        }
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "benchmarks.transport", "--worker", json.dumps(config)],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def lines(self, word: str) -> list[list[float]]:
        """Numbers of the worker's lines that begin with ``word``."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [[float(x) for x in line.split()[1:]] for line in lines if line.startswith(word + " ")]

    async def until(self, word: str, count: int, timeout: float = 60.0) -> list[list[float]]:  # noqa: ASYNC109
        """Wait for ``count`` lines."""
        async with asyncio.timeout(timeout):
            while len(lines := self.lines(word)) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return lines

    async def fill(self, topic: str, records: list[tuple[bytes, bytes]]) -> None:
        """Write ``records`` to ``<app>-<topic>``."""
        options = {"bootstrap_servers": self.brokers, "linger_ms": 10, "max_batch_size": 262_144}
        async with AIOKafkaProducer(**options) as producer:
            for key, value in records:
                await producer.send(f"{self.app}-{topic}", value, key)
            await producer.flush()


@contextmanager
def kafka(brokers: str | None) -> Iterator[str]:
    """``brokers``, or those of a Kafka that runs as long as this does."""
    if brokers:
        yield brokers
        return
    home = Path(tempfile.mkdtemp(prefix="bench-kafka-"))
    stack = KafkaStack(home, free_ports(26000, 29999))
    stack.flush = False
    try:
        yield stack.up().brokers
    finally:
        stack.down()
        remove(home)
