"""While everything works: no false alarm; and afterwards each acknowledged command has one outcome."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from streams.core.commands import Cancel, DeployDefinition, Signal, StartProcess
from streams.core.ids import partition_for
from streams.core.parse import parse_definition
from streams.kafka import client_options
from streams.log import opened
from tests.roles import running
from tests.verify.site import VerifySite
from weir.client import CommandClient
from weir.verify import run as verify_run
from weir.verify.log import check_log
from weir.verify.sent import Acknowledged, Sent

ROUNDS = {10**9: 6, 0: 2}
"""By the size up to which one process works: others take seconds to start."""
PAUSE_S = 0.002
PROCESS = """
id: busy
version: 1
trigger: {type: api}
variables: [{name: n, type: integer}, {name: answer, value: none}]
activities:
  - {id: note, type: service, action: database_log, config: {message: "number ${n}"}}
  - {id: nap, type: timer, duration: 300ms}
  - {id: wait, type: message, name: go, output: {answer: a}}
"""


@asynccontextmanager
async def at_work(site: VerifySite, folder: Path) -> AsyncIterator[None]:
    """Processor and projector run, and the process is deployed."""
    async with (
        running("streams.agents.processor", site.settings, folder) as processor,
        running("projections.app", site.settings, folder),
    ):
        async with CommandClient(site.settings, site.topics) as client:
            definition = parse_definition(PROCESS).model_dump(mode="json")
            await client.send_and_wait(DeployDefinition(definition=definition), 60)
        yield
        await processor.stop()


class Load:
    """Starts, signals and cancels, some of them in a wrong partition, until told to stop."""

    def __init__(self, site: VerifySite) -> None:
        self._site = site
        self.sent = Sent()
        self.stopping = False

    async def run(self) -> None:
        partitions = self._site.topics.partitions
        async with AIOKafkaProducer(**client_options(self._site.settings), enable_idempotence=True) as producer:
            for number in itertools.count():
                key = f"k{number % 40}"
                command = (
                    StartProcess(id=f"c{number}", definition_id="busy", key=key, variables={"n": number}),
                    Signal(id=f"c{number}", name="go", key=key, payload={"a": number}),
                    Cancel(id=f"c{number}", key=key) if number % 5 == 0 else Signal(id=f"c{number}", name="x", key=key),
                )[number // 40 % 3]
                home = partition_for(key, partitions)
                partition = (home + 1) % partitions if number % 50 == 0 else home
                sent = await producer.send_and_wait(
                    self._site.topics.commands.name,
                    msgspec.json.encode(command),
                    key=key.encode(),
                    partition=partition,
                )
                self.sent.commands.append(Acknowledged(sent.partition, sent.offset, command.id))
                if self.stopping:
                    return
                await asyncio.sleep(PAUSE_S)  # the load's own rhythm


@pytest.mark.parametrize("small", list(ROUNDS), ids=["one process", "two processes"])
async def test_no_false_alarm_while_everything_works(
    empty_site: VerifySite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr(verify_run, "SMALL", small)
    site, load = empty_site, Load(empty_site)
    async with at_work(site, tmp_path):
        working = asyncio.create_task(load.run())
        before = 0
        for _ in range(ROUNDS[small]):
            report = await site.verify()
            assert report.differences == []
            assert report.events > before  # else there was no load
            before = report.events
        load.stopping = True
        await working
        last = load.sent.commands[-1]
        await _settled(site)
        report = await site.verify()
        assert report.differences == []
        async with opened(site.settings) as log:
            now_ms = round(time.time() * 1000)
            assert (await check_log(log, site.topics, now_ms=now_ms, sent=load.sent)).differences == []
            load.sent.commands.append(Acknowledged(last.partition, last.offset + 1000, "nobody's"))
            (lost,) = (await check_log(log, site.topics, now_ms=now_ms, sent=load.sent)).differences
    assert (lost.kind, lost.subject) == ("command", "nobody's")
    assert report.instances > 100


async def _settled(site: VerifySite) -> None:
    """Every command has its outcome: a last one in each partition has."""
    async with CommandClient(site.settings, site.topics) as client:
        for partition in range(site.topics.partitions):
            key = next(f"last{n}" for n in itertools.count() if site.home(f"last{n}") == partition)
            await client.send_and_wait(Signal(name="end", key=key), 60)
