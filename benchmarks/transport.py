"""What the transport costs: ``python -m benchmarks.transport [NAME ...] [--brokers HOST:PORT]``.

saturate    100,000 inputs lie ready; a worker decodes each, reads its state, writes ~600 B of state and three events of
            ~260 B.  Prints events a second and CPU microseconds an event.
guarantees  the same beside plain at-least-once aiokafka (``plain.py``), round by round: what the guarantees cost.
latency     inputs at a steady rate; from the send to the committed output as a read_committed consumer sees it.
recovery    time from assignment to the first lane, for a changelog of many keys.
timers      how late batches without records come.

Without ``--brokers``, on a Kafka of its own.
"""

import argparse
import asyncio
import json
import time
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks import plain
from benchmarks.guarantees import guarantees, saturate
from benchmarks.step import STATE_PAD, encode, reading, step
from benchmarks.transport_run import PARTITIONS, Run, kafka
from streams import transport


def steps(batch: transport.Batch, txn: transport.Transaction, out: str) -> None:
    """One engine step for each record."""
    partition = batch.tp.partition
    for record in batch.records:
        txn[record.key or b""] = step(record, txn.get, lambda key, value: txn.send(out, partition, key, value))


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
                steps(batch, txn, config["app"] + "-out")

    @app.timer(0.25)  # type: ignore[untyped-decorator]
    async def show() -> None:
        counters = tx.counters
        figures = (counters.records, counters.batches, counters.transactions, time.process_time())
        print("STATS", time.time(), *figures, flush=True)

    transport.run(app, log_level="WARNING")


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
        "guarantees": guarantees,
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
    parser.add_argument("--brokers")
    parser.add_argument("--options", type=json.loads, default={}, help="JSON: fields of TransportOptions")
    parser.add_argument("--max-records", type=int, default=1000)
    parser.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker and arguments.worker["plain"]:
        asyncio.run(plain.work(arguments.worker))
    elif arguments.worker:
        worker(arguments.worker)
    else:
        with kafka(arguments.brokers) as servers:
            asyncio.run(main(arguments.names, servers, arguments.options, arguments.max_records))
