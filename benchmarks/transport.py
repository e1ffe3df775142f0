"""What the transport costs: ``python benchmarks/transport.py [saturate|latency|recovery ...] --brokers HOST:PORT``.

saturate   100,000 inputs lie ready; a worker decodes each, reads its state, writes ~600 B of state and three events of
           ~260 B.  Prints events a second and CPU microseconds an event.
latency    inputs at a steady rate; from the send to the committed output as a read_committed consumer sees it.
recovery   time from assignment to the first lane, for a changelog of many keys.
timers     how late batches without records come.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import faust
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams import transport

PARTITIONS = 8
EVENTS_PER_INPUT = 3
STATE_PAD = "p" * 480
EVENT_PAD = b'","data":{"pi":"truck","t":"ActivityCompleted","b":"' + b"y" * 180 + b'"}}'


class Reading(msgspec.Struct):
    """An input of the benchmark."""

    id: str
    entity: str
    speed: int
    ts: float


decode, encode = msgspec.json.Decoder(Reading).decode, msgspec.json.Encoder().encode


def reading(i: int, keys: int = 5000) -> tuple[bytes, bytes]:
    """Key and value of input ``i``."""
    entity = f"truck-{i % keys:05d}"
    value = {"id": f"evt-{i:09d}", "entity": entity, "speed": i % 130, "ts": time.time(), "props": {"note": "x" * 120}}
    return entity.encode(), encode(value)


def step(batch: transport.Batch, txn: transport.Transaction, out: str) -> None:
    """One engine step for each record."""
    partition = batch.tp.partition
    for record in batch.records:
        event, raw = decode(record.value or b""), txn.get(record.key or b"")
        state = msgspec.json.decode(raw) if raw else {"n": 0, "vars": {}, "tokens": ["a", "b"], "pad": STATE_PAD}
        state["n"] += 1
        state["vars"]["speed"], state["last"] = event.speed, event.id
        txn[record.key or b""] = encode(state)
        for i in range(EVENTS_PER_INPUT):
            txn.send(out, partition, record.key, b'{"id":"%s","i":"%d' % (event.id.encode(), i) + EVENT_PAD)


def worker(config: dict[str, Any]) -> None:
    """The worker process; prints time, records, batches, transactions and CPU seconds four times a second."""
    app = faust.App(config["app"], datadir=config["datadir"], **transport.app_settings(session_timeout_s=6.0))
    options = transport.TransportOptions(client={"bootstrap_servers": config["brokers"]}, **config["options"])
    tx = transport.install(app, options)
    table = app.Table("state", partitions=PARTITIONS)
    wake: dict[int, float] = {}

    def assigned(partition: int) -> None:
        if config["timers"]:
            wake[partition] = time.time() + 1
        print("ASSIGNED", time.time(), partition, len(table.partition(partition)), flush=True)

    source = tx.source(
        app.topic(config["app"] + "-in", partitions=PARTITIONS),
        positions=transport.TablePositions(table),
        on_assigned=assigned,
        wake_at=wake.get,
    )

    @app.agent(source.topic, concurrency=PARTITIONS)  # type: ignore[untyped-decorator]
    async def engine(stream: Any) -> None:
        async for batch in transport.batches(stream, max_records=config["max_records"]):
            due = wake.get(batch.tp.partition, 0.0)
            if not batch.records:
                print("LATE", (time.time() - due) * 1000, flush=True)
                wake[batch.tp.partition] = time.time() + 0.2
            async with batch.transaction() as txn:
                step(batch, txn, config["app"] + "-out")

    @app.timer(0.25)  # type: ignore[untyped-decorator]
    async def show() -> None:
        counters = tx.counters
        figures = (counters.records, counters.batches, counters.transactions, time.process_time())
        print("STATS", time.time(), *figures, flush=True)

    transport.run(app, log_level="WARNING")


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

    def start(self, *, timers: bool = False) -> subprocess.Popen[bytes]:
        """Start the worker."""
        config = {
            "app": self.app,
            "brokers": self.brokers,
            "datadir": self.directory.name,
            "options": self.options,
            "timers": timers,
            "max_records": self.max_records,
        }
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, __file__, "--worker", json.dumps(config)], stdout=log, stderr=subprocess.STDOUT
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


async def saturate(run: Run, count: int = 100_000) -> str:
    """See the module."""
    await run.fill("in", [reading(i) for i in range(count)])
    process = run.start()
    async with asyncio.timeout(120):
        while not (stats := run.lines("STATS")) or stats[-1][1] < count:  # noqa: ASYNC110
            await asyncio.sleep(0.25)
    process.terminate()
    process.wait()
    first, last = next(s for s in stats if s[1] > 0), next(s for s in stats if s[1] >= count)
    seconds, records, batches, _, cpu = (b - a for a, b in zip(first, last, strict=True))
    return (
        f"saturate: {records / seconds:,.0f} events/s, {cpu / records * 1e6:.1f} us CPU an event, "
        f"{records / batches:.0f} records a batch"
    )


async def latency(run: Run, rate: float, seconds: float = 12.0) -> str:
    """See the module."""
    process = run.start()
    await run.until("ASSIGNED", PARTITIONS)
    sent: dict[bytes, float] = {}
    seen: dict[bytes, float] = {}
    consumer = AIOKafkaConsumer(
        bootstrap_servers=run.brokers,
        isolation_level="read_committed",
        fetch_max_wait_ms=20,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    consumer.assign([TopicPartition(run.app + "-out", p) for p in range(PARTITIONS)])

    async def watch() -> None:
        while True:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                now = time.time()
                for record in records:
                    seen.setdefault(record.value[7:20], now)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(1)
    before = run.lines("STATS")[-1]
    async with AIOKafkaProducer(bootstrap_servers=run.brokers, acks="all") as producer:
        began = time.time()
        for i in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + i / rate - time.time()))
            key, value = reading(i)
            sent[b"evt-%09d" % i] = time.time()
            await producer.send(run.app + "-in", value, key)
        await producer.flush()
    await asyncio.sleep(1)
    after = run.lines("STATS")[-1]
    watching.cancel()
    await consumer.stop()
    process.terminate()
    process.wait()
    warm = int(rate * 2)
    late = sorted((seen[k] - at) * 1000 for k, at in list(sent.items())[warm:] if k in seen)
    span, _, _, transactions, cpu = (b - a for a, b in zip(before, after, strict=True))
    return (
        f"latency at {rate:.0f}/s: {len(late)} of {len(sent) - warm}, p50 {late[len(late) // 2]:.1f} ms, "
        f"p99 {late[int(len(late) * 0.99)]:.1f} ms, max {late[-1]:.0f} ms; {transactions / span:.0f} transactions/s, "
        f"{cpu / max(transactions, 1) * 1000:.2f} ms CPU each, {cpu / span * 100:.0f} % CPU"
    )


async def recovery(run: Run, keys: int = 100_000) -> str:
    """See the module."""
    state = encode({"n": 1, "vars": {"speed": 1}, "tokens": ["a", "b"], "pad": STATE_PAD, "last": "x"})
    await run.fill("state-changelog", [(b"inst-%09d" % i, state) for i in range(keys)])
    began = time.time()
    process = run.start()
    assigned = await run.until("ASSIGNED", PARTITIONS)
    process.terminate()
    process.wait()
    restored = sum(line[2] for line in assigned)
    seconds = assigned[0][0] - began
    return f"recovery: {restored:,.0f} keys, {seconds:.2f} s from the start of the process to the first lane"


async def timers(run: Run, seconds: float = 6.0) -> str:
    """See the module."""
    process = run.start(timers=True)
    await run.until("ASSIGNED", PARTITIONS)
    await asyncio.sleep(seconds)
    process.terminate()
    process.wait()
    late = sorted(ms for (ms,) in run.lines("LATE"))
    p50, p99 = late[len(late) // 2], late[int(len(late) * 0.99)]
    return f"timers: {len(late)} fired, late by p50 {p50:.0f} ms, p99 {p99:.0f} ms"


async def main(names: list[str], brokers: str, options: dict[str, Any], max_records: int) -> None:
    """Run the named benchmarks one after the other."""
    benchmarks = {
        "saturate": saturate,
        "latency": lambda run: latency(run, 20),
        "latency500": lambda run: latency(run, 500),
        "recovery": recovery,
        "timers": timers,
    }
    for name in names or benchmarks:
        run = Run(brokers, options, max_records)
        await run.create_topics()
        print(await benchmarks[name](run), flush=True)
        run.directory.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--brokers", default=os.environ.get("REDPANDA_BROKERS", "127.0.0.1:19092"))
    parser.add_argument("--options", type=json.loads, default={}, help="JSON: fields of TransportOptions")
    parser.add_argument("--max-records", type=int, default=1000)
    parser.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(arguments.worker)
    else:
        asyncio.run(main(arguments.names, arguments.brokers, arguments.options, arguments.max_records))
