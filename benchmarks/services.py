"""What a run has below its roles: services with a choice of Kafka's durability, topics and a database of its own."""

import asyncio
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from ruamel.yaml import YAML

from weir.home import PROJECT
from weir.stack import kafka
from weir.stack.kafka_jars import ensure_kafka
from weir.stack.process import ProcessSpec
from weir.stack.progress import Progress
from weir.stack.stack import Stack

TELEMETRY = "bench-telemetry"
COMPACTION = ("segment.ms", "max.compaction.lag.ms", "delete.retention.ms")
"""How long records stay in the changelog that compaction is to remove."""


class BenchStack(Stack):
    """The embedded stack, durable but for Kafka when ``flush`` is false: then with Kafka's default."""

    flush = True

    def _prepare_kafka(self, progress: Progress) -> ProcessSpec:
        jars = ensure_kafka(progress)
        return kafka.prepare(self.home, jars, self.ports, durable=self.flush, progress=progress)


class KafkaStack(BenchStack):
    """Kafka alone, with the ports of a whole stack."""

    def _embedded(self) -> dict[str, Callable[[Progress], ProcessSpec]]:
        return {kafka.NAME: self._prepare_kafka}


def write_topics(path: Path, app_id: str, partitions: int, faster: float = 1.0) -> Path:
    """The project's topics, named after the application, and one topic of telemetry.

    The times of the changelog's compaction are divided by ``faster``.
    """
    yaml = YAML()
    topics: dict[str, Any] = yaml.load(PROJECT / "redpanda" / "topics.yaml")
    for entry in topics["engine"].values():
        entry["name"] = entry["name"].replace("process-", f"{app_id}-process-")
    compaction = topics["engine"]["changelog"]["config"]
    for name in COMPACTION:
        compaction[name] = round(compaction[name] / faster)
    topics["telemetry"] = {f"{app_id}-{TELEMETRY}": {"partitions": partitions}}
    yaml.dump(topics, path)
    return path


@contextmanager
def own_database(url: str) -> Iterator[str]:
    """An empty database with the extension on a server that others use; dropped at the end."""
    name = f"bench_{uuid.uuid4().hex[:8]}"
    own = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    asyncio.run(_execute(url, f'create database "{name}"'))
    try:
        asyncio.run(_execute(own, "set client_min_messages = error", "create extension if not exists timescaledb"))
        yield own
    finally:
        asyncio.run(_execute(url, f'drop database "{name}" with (force)'))


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def remove(home: Path) -> None:
    """Remove a home whose services have stopped."""
    database = home / "postgres"
    if database.is_symlink():  # under root it lies where the server's account can reach it
        shutil.rmtree(database.resolve())
    shutil.rmtree(home)
