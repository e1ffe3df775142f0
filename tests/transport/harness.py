"""What the transport tests share: polling, topics, whole-topic reads, worker processes that can be struck."""

import asyncio
import contextlib
import mmap
import os
import signal
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from streams.records import Headers
from streams.transport.port import Message
from tests.forking import Forked
from tests.transport import worker

PARTITIONS = 4
FLAG_BYTES = 16
BATCH, COMMIT = 0, 1
"""Bytes of the flag: batches in flight, batches about to commit."""


def message(key: bytes | None, value: object, headers: Headers = ()) -> Message:
    """A record to be written through a port."""
    return key, value, headers  # type: ignore[return-value]  # some tests write what is no bytes


async def until(condition: Callable[[], object], timeout: float = 10.0, every: float = 0.005) -> None:  # noqa: ASYNC109
    """Poll until ``condition()`` is true; TimeoutError after ``timeout`` seconds."""
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110  what is waited for happens in another process or loop
            await asyncio.sleep(every)


async def until_async(condition: Callable[[], Awaitable[object]], timeout: float = 30.0) -> None:  # noqa: ASYNC109
    """``until`` for conditions that ask the broker."""
    async with asyncio.timeout(timeout):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def admin_client(brokers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A started admin client."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def create_topics(brokers: str, *names: str, partitions: int = PARTITIONS) -> None:
    """Make topics and wait until each partition has a leader."""

    async def ready() -> bool:
        topics = await admin.describe_topics(list(names))
        return all(
            topic["error_code"] == 0
            and len(topic["partitions"]) == partitions
            and all(partition["leader"] >= 0 for partition in topic["partitions"])
            for topic in topics
        )

    async with admin_client(brokers) as admin:
        await admin.create_topics([NewTopic(name, partitions, 1) for name in names])
        await until_async(ready)


async def delete_records(brokers: str, topic: str, partition: int, before: int) -> None:
    """Drop what lies below ``before``, as retention does."""
    async with admin_client(brokers) as admin:
        await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before)})


async def produce(brokers: str, topic: str, records: Iterable[tuple[bytes | None, bytes, int | None]]) -> None:
    """Write ``(key, value, partition or None)`` and wait for the acknowledgements."""
    async with AIOKafkaProducer(bootstrap_servers=brokers, enable_idempotence=True, linger_ms=2) as producer:
        await asyncio.gather(*[await producer.send(topic, value, key, partition) for key, value, partition in records])


class TopicReader:
    """Reads committed records of whole topics, again and again."""

    def __init__(self, brokers: str) -> None:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=brokers, isolation_level="read_committed", enable_auto_commit=False, fetch_max_wait_ms=100
        )

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def end(self, topic: str, partitions: int = PARTITIONS) -> int:
        """Sum of the stable ends: grows when something is committed."""
        tps = [TopicPartition(topic, partition) for partition in range(partitions)]
        return sum((await self._consumer.end_offsets(tps)).values())

    async def read(self, topic: str, partitions: int = PARTITIONS) -> dict[int, list[ConsumerRecord]]:
        """All committed records, by partition."""
        tps = [TopicPartition(topic, partition) for partition in range(partitions)]
        self._consumer.assign(tps)
        await self._consumer.seek_to_beginning(*tps)
        ends, records = await self._consumer.end_offsets(tps), defaultdict(list)
        async with asyncio.timeout(60):
            while any([await self._consumer.position(tp) < ends[tp] for tp in tps]):
                for tp, found in (await self._consumer.getmany(timeout_ms=200)).items():
                    records[tp.partition] += found
        return records

    async def count(self, topic: str, partitions: int = PARTITIONS) -> int:
        """How many committed records there are."""
        return sum(len(records) for records in (await self.read(topic, partitions)).values())


class Worker:
    """A worker process (``worker.py``), its output and its flag of what is in flight."""

    def __init__(self, **config: object) -> None:
        self.config = config
        self.directory = tempfile.TemporaryDirectory(prefix="worker-")
        path = Path(self.directory.name)
        flag = path / "flag"
        flag.write_bytes(b"\0" * FLAG_BYTES)
        with flag.open("r+b") as file:
            self.flag = mmap.mmap(file.fileno(), FLAG_BYTES)
        self._log = path / "log"
        self._log.touch()
        self.process = Forked(self._log, os.environ, worker.main, config | {"flag": str(flag), "datadir": str(path)})

    @property
    def output(self) -> str:
        """What it has printed and logged."""
        return self._log.read_text(errors="replace")

    def lines(self, word: str) -> list[list[str]]:
        """Printed lines that begin with ``word``, split, without it."""
        return [line.split()[1:] for line in self.output.splitlines() if line.startswith(word + " ")]

    async def ready(self, partitions: int = 1) -> "Worker":
        """Wait until it has been assigned ``partitions``."""
        await until(lambda: len(self.lines("ASSIGNED")) >= partitions or self.code is not None, timeout=40, every=0.05)
        assert self.code is None, self.output
        return self

    @property
    def code(self) -> int | None:
        """Exit code; None while it runs."""
        return self.process.returncode

    async def exit(self, timeout: float = 30.0) -> int:  # noqa: ASYNC109
        """Wait for the end of the process; returns its code."""
        await until(lambda: self.code is not None, timeout, every=0.02)
        return self.code

    async def terminate(self) -> tuple[int, float]:
        """SIGTERM; returns the exit code and the seconds it took."""
        began = time.monotonic()
        self.process.terminate()
        return await self.exit(), time.monotonic() - began

    async def strike(self, number: signal.Signals, at: int, patience_s: float = 1.5) -> bool:
        """Send ``number`` while something is in flight (``BATCH`` or ``COMMIT``); returns whether it was."""
        with contextlib.suppress(TimeoutError):
            await until(lambda: self.flag[at] > 0 or self.code is not None, patience_s, every=0.0005)
        hit = self.flag[at] > 0
        os.kill(self.process.pid, number)
        return hit

    def again(self) -> "Worker":
        """The same worker, started anew."""
        return Worker(**self.config)

    def close(self) -> None:
        """Kill it if it still runs, and remove its files."""
        if self.code is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.join()
        self.flag.close()
        self.directory.cleanup()
