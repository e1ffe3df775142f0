"""The role as a process, on a real broker and a real database."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from projections.app import feeds_of
from projections.dead_letters import DeadLetters, DeadLetterTopic, KeptDeadLetters
from projections.records import Refused
from projections.topic_log import KafkaTopicLog, _MetadataRequest
from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topics, apply_topics, load_topics
from streams.transport.port import TopicPartition
from tests.forking import Forked
from tests.projections.story import T0, FakeRecord, cooling
from tests.roles import be

ROOT = Path(__file__).parents[2]
TELEMETRY = "heatpump-telemetry"


@pytest.fixture
async def topics(settings: Settings, tmp_path: Path) -> Topics:
    """Topics of this test alone, made on the broker."""
    text = (ROOT / "redpanda/topics.yaml").read_text()
    for name in ("process-", TELEMETRY):
        text = text.replace(f" {name}", f" {settings.app_id}-{name}")
    settings.topics_file = tmp_path / "topics.yaml"
    settings.topics_file.write_text(text)
    topics = load_topics(settings)
    await apply_topics(settings, topics)
    return topics


@asynccontextmanager
async def producing(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(**client_options(settings))
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def role(settings: Settings, tmp_path: Path) -> AsyncIterator[Forked]:
    """The projector's process, killed at the end unless it has ended."""
    ready = tmp_path / "ready"
    ready.unlink(missing_ok=True)
    environment = {
        "REDPANDA_BROKERS": settings.brokers,
        "DATABASE_URL": settings.database_url,
        "PROCESS_ENGINE_GROUP_ID": settings.app_id,
        "WEIR_PARTITIONS": str(settings.partitions),
        "WEIR_TOPICS_FILE": str(settings.topics_file),
        "WEIR_SESSION_TIMEOUT_S": "6",
        "WEIR_READY_FILE": str(ready),
    }
    process = Forked(tmp_path / "projector.log", os.environ | environment, be, "projections.app")
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def count(url: str, query: str) -> int:
    """The count, 0 as long as there is no table."""
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(query))
    except asyncpg.UndefinedTableError:
        return 0
    finally:
        await connection.close()


async def until(url: str, query: str, expected: int, log: Path, timeout_s: float = 90.0) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            while await count(url, query) < expected:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    except TimeoutError:
        said = log.read_text()  # noqa: ASYNC240
        raise AssertionError(f"Expected {expected} of {query}, but the projector says:\n{said}") from None


async def test_the_role_projects_through_kill_minus_nine(settings: Settings, topics: Topics, tmp_path: Path) -> None:
    url, log = settings.database_url, tmp_path / "projector.log"
    telemetry = next(iter(topics.telemetry))
    readings = f"SELECT count(*) FROM telemetry WHERE topic = '{telemetry}'"  # the station's topics are everybody's
    stories = [cooling(f"c{n}", partition=n % 4, device=f"hp-{n}") for n in range(40)]

    async def send(part: slice) -> None:
        async with producing(settings) as producer:
            for story in stories[part]:
                for value in story.values:
                    await producer.send(topics.events.name, value, key=story.id.encode(), partition=story.partition)
            definition = {"id": "d", "version": part.start + 1, "name": "D"}
            record = {
                "v": 1,
                "hash": "h",
                "definition": definition,
                "deployed_at": "2026-09-21T14:13:20Z",
                **definition,
            }
            await producer.send(topics.definitions.name, orjson.dumps(record), key=b"d:1")
            for n in range(100):
                await producer.send(
                    telemetry, orjson.dumps({"tags": {"device_id": "a"}, "fields": {"n": n}, "timestamp": T0})
                )
            await producer.send(telemetry, b"{broken", key=b"k", headers=[("mine", b"1")])

    await send(slice(0, 20))
    async with role(settings, tmp_path) as process:
        await until(url, "SELECT count(*) FROM process_history", 300, log)
        await until(url, readings, 100, log)
        process.send_signal(signal.SIGKILL)
    await send(slice(20, 40))
    async with role(settings, tmp_path) as process:
        await until(url, "SELECT count(*) FROM process_history", 600, log)
        await until(url, readings, 200, log)
        await until(url, "SELECT count(*) FROM process_definitions", 2, log)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0, log.read_text()
    distinct = "SELECT count(*) FROM (SELECT DISTINCT instance_id, seq FROM process_history) AS events"
    assert await count(url, distinct) == await count(url, "SELECT count(*) FROM process_history") == 600
    assert await count(url, "SELECT count(*) FROM process_instances WHERE status = 'completed' AND last_seq = 15") == 40
    assert await count(url, readings) == 200
    letters = [(letter.value, dict(letter.headers)) for letter in await read_all(settings, topics.dead_letters.name)]
    mine = [(value, told) for value, told in letters if told["weir_topic"] == telemetry.encode()]
    assert [(value, told["weir_role"], told["mine"]) for value, told in mine] == [(b"{broken", b"projector", b"1")] * 2


async def test_an_event_of_a_newer_weir_ends_the_process(settings: Settings, topics: Topics, tmp_path: Path) -> None:
    value = cooling("a").values[0].replace(b'"v":1', b'"v":2')
    async with producing(settings) as producer:
        await producer.send_and_wait(topics.events.name, value, partition=0)
    async with role(settings, tmp_path) as process:
        assert await asyncio.wait_for(process.wait(), 90) == 70
    log = (tmp_path / "projector.log").read_text()
    assert "has format v2: upgrade this Weir" in log


async def test_a_wrong_database_is_named_without_its_password(
    settings: Settings, topics: Topics, tmp_path: Path
) -> None:
    base = settings.database_url.replace("weir@", "weir:sesame@").rpartition("/")[0]
    settings.database_url = f"{base}/nowhere"
    async with role(settings, tmp_path) as process:
        assert await asyncio.wait_for(process.wait(), 90) == 70
    log = (tmp_path / "projector.log").read_text()
    assert 'database "nowhere" does not exist. Check DATABASE_URL' in log
    assert "sesame" not in log


async def test_the_projector_stops_while_it_waits_for_the_database(
    settings: Settings, topics: Topics, tmp_path: Path
) -> None:
    settings.database_url = "postgresql://weir:sesame@127.0.0.1:1/weir"
    log = tmp_path / "projector.log"
    async with role(settings, tmp_path) as process:
        async with asyncio.timeout(60):
            while not log.exists() or "database not available" not in log.read_text():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 15) == 0, log.read_text()
    assert "sesame" not in log.read_text()


async def test_topics_have_ids_of_their_own(settings: Settings, topics: Topics) -> None:
    log = KafkaTopicLog(settings)
    names = [topic.name for topic in topics.all()]
    before = await log.ids(names)
    assert len(set(before.values())) == len(names)
    assert None not in before.values()
    assert await log.ids(names) == before
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        await admin.delete_topics([topics.definitions.name])
        await _listed(admin, topics.definitions.name, is_there=False)
        await admin.create_topics([NewTopic(topics.definitions.name, 1, 1)])
        await _listed(admin, topics.definitions.name, is_there=True)
    finally:
        await admin.close()
    after = await log.ids(names)
    assert {name for name in names if after[name] != before[name]} == {topics.definitions.name}


async def _listed(admin: AIOKafkaAdminClient, topic: str, *, is_there: bool) -> None:
    """Wait until the broker knows what it has been told."""
    async with asyncio.timeout(30):
        while (topic in await admin.list_topics()) is not is_there:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def test_a_broker_too_old_for_ids_is_told_apart() -> None:
    """``KafkaTopicLog.ids`` takes this exception of aiokafka's for "knows no ids"."""
    assert _MetadataRequest(["t"]).prepare({3: (0, 13)}).API_VERSION == 12
    with pytest.raises(NotImplementedError):
        _MetadataRequest(["t"]).prepare({3: (0, 8)})


async def test_starts_of_partitions(settings: Settings, topics: Topics) -> None:
    tps = [TopicPartition(topics.events.name, partition) for partition in range(4)]
    assert await KafkaTopicLog(settings).starts(tps) == dict.fromkeys(tps, 0)


def test_every_topic_has_a_feed(topics: Topics) -> None:
    feeds = feeds_of(topics)
    assert feeds[topics.events.name] == "events"
    assert feeds[topics.definitions.name] == "definitions"
    assert {feeds[name] for name in topics.telemetry} == {"telemetry"}


@pytest.mark.parametrize("kind", ["topic", "list"])
async def test_dead_letters_keep_all_of_the_record(settings: Settings, topics: Topics, kind: str) -> None:
    """One contract for the topic and for the fake beside it."""
    tp = TopicPartition(TELEMETRY, 3)
    refused = [
        Refused(FakeRecord(b"\xff" * 5_000_000, 7, b"k", [("h", b"\x00")]), "Expected ä"),
        Refused(FakeRecord(None, 8, None), "empty"),
    ]
    letters: DeadLetters = DeadLetterTopic(settings, topics.dead_letters.name) if kind == "topic" else KeptDeadLetters()
    try:
        await letters.send(tp, refused)
    finally:
        if isinstance(letters, DeadLetterTopic):
            await letters.close()
    if isinstance(letters, DeadLetterTopic):
        found = [(r.key, r.value, r.headers) for r in await read_all(settings, topics.dead_letters.name)]
    else:
        assert isinstance(letters, KeptDeadLetters)
        found = [letter.record(0) for letter in letters.letters]
    assert [(key, value) for key, value, _ in found] == [(b"k", b"\xff" * 5_000_000), (None, b"")]
    headers = dict(found[0][2])
    assert headers.pop("weir_time")
    assert headers.pop("weir_arrived")
    assert headers == {
        "weir_topic": TELEMETRY.encode(),
        "weir_partition": b"3",
        "weir_offset": b"7",
        "weir_reason": "Expected ä".encode(),
        "weir_role": b"projector",
        "weir_definitions": b"",
        "weir_cut": b"",
        "h": b"\x00",
    }


async def read_all(settings: Settings, topic: str) -> list[Any]:
    consumer = AIOKafkaConsumer(
        auto_offset_reset="earliest", max_partition_fetch_bytes=20_000_000, **client_options(settings)
    )
    await consumer.start()
    try:
        tp = TopicPartition(topic, 0)
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        found: list[Any] = []
        while len(found) < end:
            found.append(await asyncio.wait_for(consumer.getone(), 30))
        return found
    finally:
        await consumer.stop()
