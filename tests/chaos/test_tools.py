"""The harness's tools do what the faults rely on: else a fault would hit nothing, and nobody would see it."""

import asyncio
import os
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec
import pytest

from benchmarks.written import Record
from streams.core.commands import Signal
from streams.settings import Settings
from streams.topics import load_topics
from tests.chaos.fleet import CLOCK
from tests.chaos.in_flight import InFlight
from tests.chaos.proxy import Proxy
from tests.chaos.sent import Book
from tests.chaos.services import PORTS
from tests.site import TOPICS
from weir.stack.ports import free_port_numbers

HELD_S = 0.2


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """Before a service that answers what it is told."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(100):
                writer.write(data)
        writer.transport.abort()

    front, back = free_port_numbers(2, *PORTS)
    service = await asyncio.start_server(echo, "127.0.0.1", back)
    proxy = Proxy("echo", front, back)
    await proxy.start()
    yield proxy
    await proxy.stop()
    service.close()
    await service.wait_closed()


class Connection:
    """Of a client; closed at the end."""

    def __init__(self, proxy: Proxy) -> None:
        self._port = proxy.port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()
        await asyncio.sleep(0)

    async def says(self, word: bytes) -> bytes:
        self._writer.write(word)
        return await self._reader.readexactly(len(word))


async def test_a_stalled_network_holds_everything_back_and_loses_nothing(proxy: Proxy) -> None:
    async with Connection(proxy) as client:
        assert await client.says(b"one") == b"one"
        proxy.stall()
        held = asyncio.create_task(client.says(b"two"))
        assert await asyncio.wait({held}, timeout=HELD_S) == (set(), {held})
        proxy.heal()
        assert await held == b"two"


async def test_a_cut_network_ends_connections_and_takes_no_others(proxy: Proxy) -> None:
    async with Connection(proxy) as client:
        assert await client.says(b"one") == b"one"
        proxy.cut()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.says(b"two")
    async with Connection(proxy) as late:
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await late.says(b"three")
    proxy.heal()
    async with Connection(proxy) as again:
        assert await again.says(b"four") == b"four"


@pytest.mark.parametrize("ahead_s", [-3600.0, 0.0, 3600.0])
def test_the_clock_of_one_process_is_set_wrong(tmp_path: Path, ahead_s: float) -> None:
    clock = tmp_path / "clock"
    clock.write_bytes(struct.pack("<d", ahead_s))
    own = {"PYTHONPATH": str(CLOCK), "CHAOS_CLOCK": str(clock)}
    code = "import time; print(time.time(), time.time_ns() / 1e9)"
    out = subprocess.run([sys.executable, "-c", code], env={**os.environ, **own}, capture_output=True, check=True)
    assert [float(word) - time.time() for word in out.stdout.split()] == pytest.approx([ahead_s, ahead_s], abs=600)


def test_a_command_is_in_flight_until_its_outcome_is_seen_whichever_comes_first() -> None:
    topics = load_topics(Settings(_env_file=None, topics_file=TOPICS))
    flight = InFlight(topics, Book())

    def command(offset: int) -> None:
        value = msgspec.json.encode(Signal(name="go", key="k"))
        flight.take(topics.commands.name, 0, Record(value, b"k", offset, 0))

    def event(offset: int) -> None:
        value = msgspec.json.encode({"type": "signal_buffered", "subject": "key:k", "cause": f"0:{offset}"})
        flight.take(topics.events.name, 0, Record(value, b"key:k", 2 * offset, 0))

    command(0)
    assert flight.gauges()["processor"] == 1
    event(0)
    event(0)
    event(1)
    command(1)
    command(2)
    assert flight.gauges()["processor"] == 1
    assert flight.counts["outcomes"] == 1
    assert flight.gauges()["projector"] == 3
    flight.positions[topics.events.name, 0] = 3
    event(2)
    assert flight.gauges() == {**dict.fromkeys(flight.gauges(), 0), "projector": 2}
