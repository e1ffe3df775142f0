"""The gateway: starts a second over HTTP and the time to the 202, and the time of a GET of one instance.

Starts: a closed loop on so many connections, with Kafka alone behind the gateway (the processor and the projector would
take CPU from it that in production is another machine's); then an open loop far below that rate for the latency.  Who
asks has an API key of the database, and every start is in the audit: each 202 must be a command and a record of the
audit in Kafka; they are counted.  GET: ``--instances`` rows (a million by default; the figure that is promised is of
ten million), asked for by id at random on one connection, and on several.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.request import Request, urlopen

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks import sampler
from benchmarks.http_load import Answers, load, request
from benchmarks.load import LostError
from benchmarks.plant import BenchPlant, Wanted, plant
from benchmarks.workload import Emit, Options, durability, milliseconds, percentile
from streams.core import ids
from streams.kafka import client_options
from streams.topics import Topic

ROLE = "api"
INSTANCES = 1_000_000
STARTS, CONNECTIONS, FEW = "/processes/bench-w1/start", 256, 4
BODY = b'{"variables": {"temperature": 30, "threshold": 25, "min_temperature": 10}}'
SPREAD_MS = 350 * 86_400_000
"""Rows of fifty chunks."""
_FILL = """
    INSERT INTO process_instances (id, definition_id, definition_version, status, status_since, business_key, variables,
        steps, last_seq, started_at, updated_at, completed_at)
    SELECT id, 'bench-w1', 1, 'completed', at, 'pump-' || n % 1000, '{"temperature": 30, "threshold": 25}', 4, 10,
        at, at, at
    FROM (
        SELECT id, to_timestamp(ms / 1000.0) AS at, n
        FROM unnest($1::uuid[], $2::bigint[], $3::int[]) AS given (id, ms, n)
    ) AS rows
"""


def _until(seconds: float, one: Callable[[], bytes]) -> Callable[[], bytes | None]:
    end = time.perf_counter() + seconds
    return lambda: one() if time.perf_counter() < end else None


async def _taken(running: BenchPlant, topic: Topic) -> int:
    """Records in Kafka."""
    places = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    consumer = AIOKafkaConsumer(**client_options(running.settings))
    await consumer.start()
    try:
        return sum((await consumer.end_offsets(places)).values())
    finally:
        await consumer.stop()


async def healthy(running: BenchPlant) -> None:
    """Wait until the gateway takes commands: it is ready before Kafka has told it the lag."""
    health = request("GET", "/health")
    while True:
        once = iter([health])
        answers = await load(f"http://127.0.0.1:{running.settings.api_port}", 1, lambda: next(once, None))  # noqa: B023
        if 200 in answers.statuses:
            return
        await asyncio.sleep(0.1)


def asking(running: BenchPlant) -> dict[str, str]:
    """The headers of who asks: the plant's administrator."""
    key = running.settings.api_admin_key
    assert key is not None, "the plant's own"
    return {"Authorization": f"Bearer {key.get_secret_value()}"}


async def _operating(running: BenchPlant) -> dict[str, str]:
    """The headers of an operator with a key of the database, as users have them."""
    wanted = Request(
        f"http://127.0.0.1:{running.settings.api_port}/api-keys",
        b'{"name": "bench", "roles": ["operator"]}',
        {**asking(running), "Content-Type": "application/json"},
    )
    made = await asyncio.to_thread(lambda: json.load(urlopen(wanted)))
    return {"Authorization": f"Bearer {made['key']}"}


def _figures(answers: Answers, seconds: float) -> dict[str, Any]:
    return {
        "requests": len(answers.latencies_s),
        "rate": round(len(answers.latencies_s) / seconds, 1),
        "p50_ms": milliseconds(percentile(answers.latencies_s, 0.5)),
        "p99_ms": milliseconds(percentile(answers.latencies_s, 0.99)),
    }


async def _closed(running: BenchPlant, connections: int, seconds: float, one: Callable[[], bytes]) -> dict[str, Any]:
    """A closed loop.  Raises ``LostError`` when an answer was no success."""
    url = f"http://127.0.0.1:{running.settings.api_port}"
    reading, began = running.meter().read(), time.perf_counter()
    answers = await load(url, connections, _until(seconds, one))
    took = time.perf_counter() - began
    if answers.statuses.keys() - {200, 202}:
        raise LostError(f"Expected every request to be answered 200 or 202, but got {dict(answers.statuses)}")
    used = reading.until_now().document(len(answers.latencies_s), "request")
    return {"connections": connections, **_figures(answers, took), **used}


async def _fill(running: BenchPlant, count: int) -> list[str]:
    """So many rows, evenly over ``SPREAD_MS``; returns some of their ids."""
    now_ms, some = int(time.time() * 1000), []
    connection = await asyncpg.connect(running.settings.database_url)
    try:
        for first in range(0, count, 20_000):
            numbers = range(first, min(first + 20_000, count))
            starts = [now_ms - SPREAD_MS * (count - number) // count for number in numbers]
            made = [
                ids.instance_id(at, n % running.wanted.partitions, str(n))
                for at, n in zip(starts, numbers, strict=True)
            ]
            await connection.execute(_FILL, made, starts, list(numbers))
            some += made[:50]
        await connection.execute("ANALYZE process_instances")
    finally:
        await connection.close()
    return some


async def measure(running: BenchPlant, options: Options, emit: Emit) -> dict[str, Any]:
    """Starts, then GETs; returns the summary."""
    named = {"durability": durability(running.wanted.flush)}
    await healthy(running)
    who, topics = await _operating(running), (running.topics.commands, running.topics.audit)
    start = request("POST", STARTS, BODY, who)
    before = [await _taken(running, topic) for topic in topics]
    warm = await _closed(running, CONNECTIONS, options.warm_s, lambda: start)
    with running.profiling():
        closed = await _closed(running, CONNECTIONS, options.seconds, lambda: start)
    emit({"workload": "api-start", **named, **closed})
    few = await _closed(running, FEW, options.seconds / 2, lambda: start)
    emit({"workload": "api-start-few", **named, **few})
    sent = warm["requests"] + closed["requests"] + few["requests"]
    for topic, at in zip(topics, before, strict=True):
        if (taken := await _taken(running, topic) - at) != sent:
            raise LostError(f"Expected {sent} records on {topic.name}, one of each 202, but got {taken}")
    for role in options.profiled:
        options.show(f"profile of {role}: {await sampler.finished(running.profile_of(role), closed['requests'])}")
    count = options.instances or INSTANCES
    known = await _fill(running, count)
    gets = [request("GET", f"/processes/{one}", headers=who) for one in known]
    chosen = random.Random(8)
    await _closed(running, 1, options.warm_s, lambda: chosen.choice(gets))
    one = await _closed(running, 1, options.seconds / 2, lambda: chosen.choice(gets))
    many = await _closed(running, FEW, options.seconds / 2, lambda: chosen.choice(gets))
    emit({"workload": "api-get", "rows": count, **one})
    emit({"workload": "api-get-many", "rows": count, **many})
    return {
        "workload": "api",
        **named,
        "starts_per_s": closed["rate"],
        "start_p50_ms": few["p50_ms"],
        "start_p50_loaded_ms": closed["p50_ms"],
        "start_cpu_us": closed["cpu_us_per_request"][ROLE],
        "get_p50_ms": one["p50_ms"],
        "gets_per_s": many["rate"],
        "get_cpu_us": many["cpu_us_per_request"][ROLE],
        "rows": count,
    }


def run(options: Options, emit: Emit) -> dict[str, Any]:
    """Measure with the first durability asked for."""
    wanted = Wanted(options.flushes[0], options.partitions, options.services, options.profiled)
    with plant(wanted, options.step) as made:
        running = replace(made, settings=made.settings.model_copy(update={"api_max_lag_records": 10**9}))
        running.start([ROLE])
        return asyncio.run(measure(running, options, emit))
