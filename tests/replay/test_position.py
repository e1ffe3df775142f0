"""Where the processor resumes, and who is not believed."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from streams.codec import encode_event
from streams.core.commands import Cancel, Observe, Signal
from streams.core.ids import partition_for
from streams.kafka import client_options
from streams.records import Record
from streams.settings import Settings
from streams.topics import load_topics
from streams.transport.contents import position_key
from tests.replay.story import Story, working
from tests.roles import reading
from tests.site import make_site, telemetry_topic
from weir.client import CommandClient
from weir.replay import ReplayError, replay_state
from weir.replay.position import evidence_since
from weir.replay.traces import must_leave_trace

DAY_MS = 86_400_000


async def test_a_position_that_the_log_contradicts_is_not_believed(story: Story, tmp_path: Path) -> None:
    """A command waits that nobody has processed; to believe whoever says otherwise would lose it."""
    before = await story.table()
    home, commands = story.home("waiting"), position_key(story.topics.commands.name)
    async with CommandClient(story.settings, story.topics) as client:
        # A reading leaves no trace: one that was taken and one that was not look the same.
        await client.send(Observe(topic=telemetry_topic(story.settings), key="order-waiting", reading={"fields": {}}))
        partition, offset = await client.send(Cancel(key="order-waiting"))
    assert partition == home
    async with AIOKafkaProducer(**client_options(story.settings)) as producer:
        # Copied from elsewhere, with the header of a forwarded command that says the same.
        said = [("weir_from", b"%d:%d" % (home, offset))]
        elsewhere = (home + 1) % story.topics.partitions
        await producer.send_and_wait(story.topics.commands.name, b"{", partition=elsewhere, headers=said)
    await story.damage({home: {commands: b"%d" % (offset + 1)}})
    with pytest.raises(ReplayError, match=f"The changelog says .* but the log does not tell .* at {offset}") as told:
        await replay_state(story.settings, story.topics)
    assert "--ignore-changelog" in told.value.hint
    await story.damage({home: {commands: b"%d" % (offset + 99)}})
    with pytest.raises(ReplayError, match=rf"to reach offset {offset + 99}, as the changelog says, but it ends at"):
        await replay_state(story.settings, story.topics)
    await story.set_group(home, offset + 1)
    with pytest.raises(ReplayError, match=f"The consumer group says .* but the log does not tell .* at {offset}"):
        await replay_state(story.settings, story.topics, ignore_changelog=True)

    await story.set_group(home, 0)
    report = await replay_state(story.settings, story.topics, ignore_changelog=True)

    after = await story.table()
    assert report.partitions[home].position == story.position(after, home) <= story.position(before, home)
    assert {number: {**records, commands: b""} for number, records in after.items()} == {
        number: {**records, commands: b""} for number, records in before.items()
    }
    async with (
        working(story, tmp_path),
        reading(story.settings, story.topics.events.name, story.topics.partitions) as log,
    ):
        subject = story.ids["waiting"].encode()
        await log.until(lambda records: any(subject in one.value and b"cancelled" in one.value for one in records))
    assert (await story.history("waiting")).count("cancelled") == 1


async def test_a_log_that_is_damaged_is_told_with_the_place_and_nothing_is_written(story: Story) -> None:
    before = await story.table(soft=True)
    event = next(event for event in await story.events() if event.subject == story.ids["waiting"])
    async with AIOKafkaProducer(**client_options(story.settings)) as producer:
        sent = await producer.send_and_wait(
            story.topics.events.name, encode_event(event), key=event.subject.encode(), partition=story.home("waiting")
        )
    with pytest.raises(
        ReplayError, match=rf"-process-events\[{sent.partition}\] at {sent.offset}: .* Expected seq \d+"
    ):
        await replay_state(story.settings, story.topics)
    assert (await story.table(soft=True))[sent.partition] == before[sent.partition]


class Command:
    """A record of ``process-commands``, as far as it matters here."""

    def __init__(self, value: object) -> None:
        self.value = value if isinstance(value, bytes) else msgspec.json.encode(value)
        self.key, self.headers, self.offset, self.timestamp = None, (), 0, 0


def test_which_commands_leave_a_trace() -> None:
    partition = partition_for("pump", 4)
    here: list[tuple[object, bool]] = [
        (Signal(name="go", key="pump"), True),
        (Signal(name="go"), True),
        (b"{", True),
        (Observe(topic="t", key="pump", reading={}), False),
    ]
    for value, leaves in here:
        record: Record = Command(value)
        assert must_leave_trace(record, partition, 4) is leaves
    assert not must_leave_trace(Command(Signal(name="go", key="pump")), (partition + 1) % 4, 4)


async def test_a_site_where_nothing_has_happened(settings: Settings, tmp_path: Path) -> None:
    own, topics = await make_site(settings, tmp_path)
    report = await replay_state(own, topics)
    assert [one.position for one in report.partitions] == [None] * topics.partitions
    assert (report.events, report.entities, report.repaired, report.removed) == (0, 0, 0, 0)
    assert evidence_since(topics, 100 * DAY_MS) == 10 * DAY_MS  # traces of older commands have expired


async def test_topics_that_are_not_there_or_not_as_they_were(settings: Settings, tmp_path: Path) -> None:
    own, topics = await make_site(settings, tmp_path)
    other = own.model_copy(update={"partitions": 6})
    with pytest.raises(ReplayError, match="process-commands to have 6 partitions, but it has 4"):
        await replay_state(other, load_topics(other))
    with pytest.raises(ReplayError, match="Expected topic nowhere-instances-changelog, but the broker has none"):
        await replay_state(
            own, replace(topics, changelog=replace(topics.changelog, name="nowhere-instances-changelog"))
        )


async def test_commands_that_were_trimmed_are_not_waited_for(story: Story) -> None:
    """Without a witness the position is the trace; what the topic no longer holds cannot be processed."""
    before, home = await story.table(), story.home("waiting")
    async with CommandClient(story.settings, story.topics) as client:
        _, offset = await client.send(Cancel(key="order-waiting"))
    admin = AIOKafkaAdminClient(**client_options(story.settings))
    await admin.start()
    try:
        place = TopicPartition(story.topics.commands.name, home)
        await admin.delete_records({place: RecordsToDelete(before_offset=offset + 1)})
    finally:
        await admin.close()
    report = await replay_state(story.settings, story.topics)
    assert report.partitions[home].position == offset + 1
    assert report.partitions[home].gone == offset + 1 - story.position(before, home)
    assert [one.gone for one in report.partitions if one.partition != home] == [0, 0, 0]
