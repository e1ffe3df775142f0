"""Server-sent events: 500 clients of the stream of everything, and how late they see what happens.

Starts of W1 come at a steady rate, from one client of Kafka; the processor decides them, nobody performs the action.
Each client must see every start: they are counted.  Latency is from when the broker took the command to when a client
has the ``started`` event, so it holds the processor's commit, the gateway's tail of the topic and its writing to all
clients: what a person at a dashboard waits.  The CPU is told for each event of each client.
"""

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from benchmarks import sampler
from benchmarks.api import asking, healthy
from benchmarks.http_load import request
from benchmarks.load import VERSION, LostError
from benchmarks.plant import BenchPlant, Wanted, plant
from benchmarks.w1 import DEFINITION, VARIABLES
from benchmarks.workload import Emit, Options, durability, milliseconds, percentile
from streams.core.commands import StartProcess
from weir.client import CommandClient

CLIENTS = 500
RATE = 10.0
"""Starts a second; each is five events for every client."""
PATIENCE_S = 60.0
_EVENT, _STARTED, _TIME = b"\ndata: ", b"event: started\n", b'"time":"'


@dataclass
class Seen:
    """By all clients: events, and seconds from the command to each ``started``."""

    events: int = 0
    latencies_s: list[float] = field(default_factory=list)


class Client(asyncio.Protocol):
    """Reads a stream: what it costs itself must be small, 500 times."""

    def __init__(self, asked: bytes, seen: Seen) -> None:
        self._asked, self._seen = asked, seen
        self._rest, self._more = b"", asyncio.Event()
        self.started = 0
        loop = asyncio.get_running_loop()
        self.listens, self.ended = loop.create_future(), loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._asked)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        if not self.listens.done() and b"\nid: " in data:  # the first frame: where the stream begins
            self.listens.set_result(None)
        whole, end, rest = (self._rest + data).rpartition(b"\n\n")
        self._rest = rest
        if not end:
            return
        self._more.set()
        self._seen.events += whole.count(_EVENT)
        at = whole.find(_STARTED)
        while at >= 0:
            self.started += 1
            begin = whole.index(_TIME, at) + len(_TIME)
            self._seen.latencies_s.append(now - _seconds(whole[begin : whole.index(b'"', begin)]))
            at = whole.find(_STARTED, begin)

    async def sees(self, count: int) -> None:
        """Return when so many starts were seen."""
        while self.started < count:
            self._more.clear()
            await self._more.wait()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(exc)


@cache
def _seconds(instant: bytes) -> float:
    """The same text comes once for each client."""
    return datetime.fromisoformat(instant.decode()).timestamp()


async def _send(running: BenchPlant, count: int) -> None:
    async with CommandClient(running.settings, running.topics) as client:
        began = time.monotonic()
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
            command = StartProcess(
                definition_id=DEFINITION,
                definition_version=VERSION,
                instance_id=client.new_instance_id(),
                variables={"device_id": f"pump-{number}", **VARIABLES},
            )
            await client.send(command)


async def measure(running: BenchPlant, clients: int, seconds: float) -> dict[str, Any]:
    """Connect, send, and wait until everybody has seen everything.  Raises ``LostError``."""
    place = urlsplit(f"http://127.0.0.1:{running.settings.api_port}")
    asked, seen, loop = request("GET", "/events", headers=asking(running)), Seen(), asyncio.get_running_loop()
    made: list[Client] = []
    for _ in range(clients):
        _, client = await loop.create_connection(lambda: Client(asked, seen), place.hostname, place.port)
        made.append(client)
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(client.listens for client in made))
    count, reading = max(1, round(RATE * seconds)), running.meter().read()
    with running.profiling():
        await _send(running, count)
        try:
            async with asyncio.timeout(PATIENCE_S):
                for client in made:
                    await client.sees(count)
        except TimeoutError:
            least = min(client.started for client in made)
            raise LostError(f"Expected every client to see {count} starts, but one has seen {least}") from None
    used = reading.until_now()
    for client in made:
        client.transport.close()
    if cut := sum(client.ended.done() for client in made):
        raise LostError(f"Expected {clients} clients to keep up, but {cut} were let go")
    return {
        "clients": clients,
        "starts": count,
        "events": seen.events,
        "events_per_s": round(seen.events / used.seconds, 1),
        "p50_ms": milliseconds(percentile(seen.latencies_s, 0.5)),
        "p99_ms": milliseconds(percentile(seen.latencies_s, 0.99)),
        **used.document(seen.events, "event"),
    }


def run(options: Options, emit: Emit) -> dict[str, Any]:
    """Measure with the first durability asked for; ``instances`` is the number of clients."""
    clients = options.instances or CLIENTS
    wanted = Wanted(options.flushes[0], options.partitions, options.services, options.profiled)
    with plant(wanted, options.step) as made:
        running = replace(made, settings=made.settings.model_copy(update={"api_max_lag_records": 10**9}))
        running.start(["processor", "api"])
        running.deploy("w1")

        async def all_() -> dict[str, Any]:
            await healthy(running)
            await measure(running, clients, options.warm_s)
            return await measure(running, clients, options.seconds)

        found = {"durability": durability(wanted.flush), **asyncio.run(all_())}
        emit({"workload": "sse-events", **found})
        for role in options.profiled:
            profile = asyncio.run(sampler.finished(running.profile_of(role), found["events"]))
            options.show(f"profile of {role}: {profile}")
        return {"workload": "sse", **found}
