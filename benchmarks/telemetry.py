"""Telemetry: how many readings the router looks at, and how many the projector brings into the database.

The readings lie on the topic before the role starts.  The first and the last of each partition match the trigger: the
commands that they lead to tell when the router was there.  The projector's position tells how far it is.  With each
figure comes what a reading costs, in microseconds of CPU by process.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks.load import LostError
from benchmarks.meter import Reading
from benchmarks.plant import BenchPlant, Wanted, plant
from benchmarks.workload import Emit, Options, durability
from streams.core.durations import instant_text
from streams.kafka import client_options

READINGS = 200_000
DEVICES = 1_000
COLD, HOT = 20.0, 30.0
MATCHING = {"none": 0, "1 %": 100}
"""Every how many readings one matches the trigger."""
FIRST, LAST = "first", "last"
WAIT_S = 300.0


def reading(device: str, temperature: float) -> bytes:
    """A reading as devices send it."""
    fields = {"flow_temp_c": temperature, "return_temp_c": 18.25, "power_w": 1250, "pump": True}
    tags = {"device_id": device, "site": "north", "model": "hp-8"}
    return orjson.dumps({"tags": tags, "fields": fields, "timestamp": instant_text(round(time.time() * 1000))})


async def fill(running: BenchPlant, count: int, every: int) -> int:
    """Put ``count`` readings and the marks of begin and end onto the topic; returns how many that were."""
    topic, partitions = running.telemetry, running.topics.partitions
    sent = 0
    async with AIOKafkaProducer(acks="all", max_batch_size=262_144, **client_options(running.settings)) as producer:
        for partition in range(partitions):
            share = count // partitions
            devices = [f"{FIRST}-{partition}", *(f"hp-{number % DEVICES}" for number in range(share))]
            values = [reading(devices[0], HOT)]
            values += [reading(one, HOT if every and n % every == 0 else COLD) for n, one in enumerate(devices[1:])]
            devices.append(f"{LAST}-{partition}")
            values.append(reading(devices[-1], HOT))
            batch = producer.create_batch()
            for device, value in zip(devices, values, strict=True):
                while batch.append(key=device.encode(), value=value, timestamp=None) is None:
                    batch.close()
                    await producer.send_batch(batch, topic, partition=partition)
                    batch = producer.create_batch()
            batch.close()
            await producer.send_batch(batch, topic, partition=partition)
            sent += len(values)
        await producer.flush()
    return sent


async def route(running: BenchPlant, start: Callable[[], None], readings: int) -> dict[str, Any]:
    """Start the router; the figures between the first command of a mark and the last."""
    partitions = range(running.topics.partitions)
    commands, marks, begun = 0, {f"{LAST}-{number}".encode() for number in partitions}, None
    options = client_options(running.settings)
    consumer = AIOKafkaConsumer(isolation_level="read_committed", enable_auto_commit=False, **options)
    await consumer.start()
    try:
        places = [TopicPartition(running.topics.commands.name, number) for number in partitions]
        consumer.assign(places)
        await consumer.seek_to_end(*places)
        for place in places:
            await consumer.position(place)
        await asyncio.to_thread(start)
        meter, deadline = running.meter(), time.monotonic() + WAIT_S
        began: Reading = meter.read()
        while marks:
            if time.monotonic() > deadline:
                raise LostError(f"Expected commands for the readings {marks} within {WAIT_S:.0f} s")
            for records in (await consumer.getmany(timeout_ms=20)).values():
                commands += len(records)
                if begun is None:
                    begun, began = time.time(), meter.read()
                marks -= {record.key for record in records}
        assert begun is not None
        seconds = time.time() - begun
    finally:
        await consumer.stop()
    used = began.until_now()
    return {
        "readings": readings,
        "commands": commands,
        "seconds": round(seconds, 2),
        "rate": round(readings / seconds, 1),
        **used.document(readings, "reading"),
    }


async def project(running: BenchPlant, start: Callable[[], None], readings: int) -> dict[str, Any]:
    """Start the projector; the figures until all readings are rows.  Raises ``LostError`` when the rows are others."""
    connection = await asyncpg.connect(running.settings.database_url)
    query = "SELECT coalesce(sum(position), 0)::bigint FROM projection_positions WHERE topic = $1"
    try:
        await asyncio.to_thread(start)
        began, at = running.meter().read(), time.time()
        before = await connection.fetchval(query, running.telemetry)
        deadline = time.monotonic() + WAIT_S
        while await connection.fetchval(query, running.telemetry) < readings:
            if time.monotonic() > deadline:
                raise LostError(f"Expected rows of {readings} readings within {WAIT_S:.0f} s")
            await asyncio.sleep(0.01)
        seconds, used, done = time.time() - at, began.until_now(), readings - before
        rows = await connection.fetchval("SELECT count(*) FROM telemetry WHERE topic = $1", running.telemetry)
    finally:
        await connection.close()
    if rows != readings:
        raise LostError(f"Expected {readings} rows of telemetry, but the database has {rows}")
    figures = {"readings": done, "seconds": round(seconds, 2), "rate": round(done / seconds, 1)}
    return {**figures, **used.document(done, "reading")}


def run(options: Options, emit: Emit) -> dict[str, Any]:
    """The router over readings of which none match, then over some of which a few do; the projector over all."""
    count, flush = options.instances or READINGS, options.flushes[0]
    found: dict[str, dict[str, Any]] = {}

    def tell(kind: str, figures: dict[str, Any]) -> None:
        found[kind] = figures
        emit({"workload": f"telemetry-{kind}", "durability": durability(flush), **figures})

    with plant(Wanted(flush, options.partitions, options.services), options.step) as running:
        running.start(["processor"])
        running.deploy("telemetry")
        running.stop("processor")
        total = 0
        for matching, every in MATCHING.items():
            sent = asyncio.run(fill(running, count, every))
            total += sent
            figures = asyncio.run(route(running, lambda: running.start(["router"]), sent))
            running.stop("router")
            tell(f"router, {matching} match", figures)
        tell("rows", asyncio.run(project(running, lambda: running.start(["projector"]), total)))
    return {
        "workload": "telemetry",
        "durability": durability(flush),
        "rates": {k: one["rate"] for k, one in found.items()},
    }
