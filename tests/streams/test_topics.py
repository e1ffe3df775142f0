import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import TopicsError, apply_topics, group_of, load_topics
from tests.site import make_site, own_topics, telemetry_topic


async def test_applying_is_idempotent_and_reports_what_differs(settings: Settings, tmp_path: Path) -> None:
    own = own_topics(settings, tmp_path)
    topics = load_topics(own)
    names = [topic.name for topic in topics.all()]
    first = await apply_topics(own, topics)
    assert (first.created, first.unchanged, first.differences) == (names, [], [])
    again = await apply_topics(own, topics)
    assert (again.created, again.unchanged, again.differences) == ([], names, [])

    text = own.topics_file.read_text().replace("retention.ms: 604800000", "retention.ms: 1000")
    own.topics_file.write_text(text)
    admin = AIOKafkaAdminClient(**client_options(own))
    await admin.start()
    await admin.create_partitions({topics.events.name: NewPartitions(6)})
    await admin.close()
    changed = await apply_topics(own, load_topics(own))
    while len(changed.differences) < 1 + len(
        topics.telemetry
    ):  # new partitions are known to all a moment after they were made
        changed = await apply_topics(own, load_topics(own))
    assert changed.created == []
    assert changed.differences == [
        f"{topics.events.name}: has 6 partitions, topics.yaml says 4",
        *(f"{name}: retention.ms is 604800000, topics.yaml says 1000" for name in topics.telemetry),
    ]
    assert set(changed.unchanged) == set(names) - {topics.events.name, *topics.telemetry}


async def test_a_setting_that_the_broker_does_not_have_is_no_difference(settings: Settings, tmp_path: Path) -> None:
    """Redpanda creates topics with settings of Apache Kafka that it does not have, and never shows them again."""
    own, topics = await make_site(settings, tmp_path)
    text = own.topics_file.read_text().replace("segment.ms: 600000", "segment.ms: 600000\n      of.another.make: 1")
    own.topics_file.write_text(text)
    again = await apply_topics(own, load_topics(own))
    assert (again.created, again.differences) == ([], [])
    assert again.unsupported == [f"{topics.changelog.name}: of.another.make=1"]
    assert topics.changelog.name in again.unchanged


async def test_the_positions_of_router_and_action_worker_are_born_with_their_topics(
    settings: Settings, tmp_path: Path
) -> None:
    own, topics = await make_site(settings, tmp_path)
    for role, topic in (("actions", topics.events), ("router", topics.telemetry[telemetry_topic(own)])):
        consumer = AIOKafkaConsumer(group_id=group_of(own, role), **client_options(own))
        await consumer.start()
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        assert [await consumer.committed(partition) for partition in partitions] == [0] * topic.partitions
        await consumer.stop()


async def test_a_topic_is_added_while_its_readers_are_at_work(settings: Settings, tmp_path: Path) -> None:
    own, _ = await make_site(settings, tmp_path)
    router = AIOKafkaConsumer(
        telemetry_topic(own), group_id=group_of(own, "router"), enable_auto_commit=False, **client_options(own)
    )
    await router.start()
    added = f"{telemetry_topic(own)}-added"
    text = own.topics_file.read_text().replace("telemetry:\n", f"telemetry:\n  {added}: {{partitions: 2}}\n", 1)
    own.topics_file.write_text(text)
    try:
        applied = await apply_topics(own, load_topics(own))
        assert (applied.created, applied.differences) == ([added], [])
        async with asyncio.timeout(30):
            for number in range(2):
                position = None
                while position is None:  # a transaction's end is known to its group a moment later
                    position = await router.committed(TopicPartition(added, number))
                assert position == 0
    finally:
        await router.stop()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("partitions: 16", "partitions: 0", "partitions: Input should be greater than or equal to 1"),
        ("engine:", "motor:", "engine: Field required"),
        ("  rejections:", "  rejection:", "engine.rejection.*Input should be"),
        ("mqtt:", "mqqt:", r"telemetry.*mqqt: Extra inputs"),
        ("engine:", "engine: [", "This is no YAML"),
    ],
)
def test_a_broken_topics_file_names_the_place(
    settings: Settings, tmp_path: Path, old: str, new: str, told: str
) -> None:
    own = own_topics(settings, tmp_path)
    own.topics_file.write_text(own.topics_file.read_text().replace(old, new, 1))
    with pytest.raises(TopicsError, match=told):
        load_topics(own)


def test_a_missing_topic_or_file_is_named(settings: Settings, tmp_path: Path) -> None:
    own = own_topics(settings, tmp_path)
    lines = own.topics_file.read_text().split("\n")
    at = next(number for number, line in enumerate(lines) if line == "  rejections:")
    own.topics_file.write_text("\n".join(lines[:at] + lines[at + 3 :]))
    with pytest.raises(TopicsError, match=r"engine\.rejections is missing"):
        load_topics(own)
    own.topics_file.unlink()
    with pytest.raises(TopicsError, match="WEIR_TOPICS_FILE"):
        load_topics(own)
