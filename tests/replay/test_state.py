"""``replay_state`` on the real broker: the table is what the log says, and the processor goes on from there."""

from collections import Counter
from pathlib import Path

from streams.codec import decode_entity, encode_entity
from streams.core.commands import Signal
from streams.core.state import Finished, Instance, Key
from streams.transport.contents import position_key
from tests.replay.story import Story, accepted, answer, started, stray, working
from tests.roles import reading
from weir.replay import replay_state


async def test_a_table_that_is_right_stays_as_it_is(story: Story) -> None:
    before = await story.table()
    kinds = Counter(
        (type(entity).__name__, getattr(entity, "status", None))
        for records in before.values()
        for key, raw in records.items()
        if not key.startswith(b"\x00")
        for entity in [decode_entity(raw)]
    )
    assert kinds[("Instance", "running")] == 3
    assert kinds[("Instance", "failed")] == 1
    assert kinds[("Finished", "completed")] == kinds[("Finished", "cancelled")] == 1
    assert kinds[("DefinitionVersions", None)] == 3
    held = decode_entity(before[story.home("waiting")][story.ids["waiting"].encode()])
    assert isinstance(held, Instance)
    assert [signal.name for signal in held.signals] == ["unasked", "stray"]

    steps = []
    report = await replay_state(story.settings, story.topics, lambda *step: steps.append(step))

    assert await story.table() == before
    assert (report.repaired, report.removed) == (0, 1)  # the soft record
    assert report.events == len(await story.events())
    assert report.entities == sum(kinds.values())
    assert {one.partition: one.position for one in report.partitions} == {
        number: story.position(before, number) for number in before
    }
    assert steps[-1] == ("folding the events", 1.0)
    again = await replay_state(story.settings, story.topics)
    assert (again.repaired, again.removed) == (0, 0)


async def test_a_damaged_table_is_healed_and_everybody_who_waited_goes_on(story: Story, tmp_path: Path) -> None:
    before = await story.table()
    cooling = decode_entity(before[story.home("cooling")][story.ids["cooling"].encode()])
    assert isinstance(cooling, Instance)
    cooling.variables["temperature"] = -5
    cooling.waiting = {}
    definitions = next(number for number in before if b"definition:nap" in before[number])
    wrong: dict[int, dict[bytes, bytes | None]] = {number: {} for number in before}
    wrong[story.home("cooling")][story.ids["cooling"].encode()] = encode_entity(cooling)
    wrong[story.home("waiting")][story.ids["waiting"].encode()] = None
    wrong[story.home("waiting")][b"key:order-waiting"] = None
    wrong[story.home("done")][story.ids["done"].encode()] = encode_entity(cooling)
    wrong[story.home("nap")][b"key:ghost"] = encode_entity(Key(1, "ghost", 7))
    wrong[story.home("nap")][b"rubbish"] = b"\xff\x00"
    wrong[definitions][b"definition:nap"] = encode_entity(Finished(1, "completed", 3, 4))
    wrong[story.home("broken")][position_key(story.topics.commands.name)] = b"0"
    await story.damage(wrong)
    assert await story.table() != before

    report = await replay_state(story.settings, story.topics)

    assert await story.table() == before
    assert (report.repaired, report.removed) == (6, 3)
    number = len(await story.events())
    async with working(story, tmp_path) as client:
        await accepted(client, answer(story.ids["cooling"]))
        await accepted(client, Signal(name="decided", key="order-waiting", payload={"approved": True}))
        await started(client, "approval", "order-later", amount=7)  # takes the signal that was held for it
    assert (await story.history("waiting"))[-1] == "completed"
    assert (await story.history("cooling"))[-2:] == ["activity_started", "timer_started"]
    await replay_state(story.settings, story.topics)
    async with (
        working(story, tmp_path, hours=2),  # the timers came due while nobody worked
        reading(story.settings, story.topics.events.name, story.topics.partitions) as log,
    ):
        await log.until(lambda records: sum(b"timer_fired" in record.value for record in records) == 2)
    for name in ("nap", "cooling"):
        history = await story.history(name)
        assert (history[-1], history.count("timer_fired"), history.count("completed")) == ("completed", 1, 1)
    events = await story.events()
    for subject in {event.subject for event in events}:
        seqs = [event.seq for event in events if event.subject == subject]
        assert seqs == list(range(1, len(seqs) + 1)), subject
    assert [event.subject for event in events if event.type == "signal_released"] == ["key:order-later"]
    assert len(events) > number


async def test_without_a_changelog_and_a_group_nothing_is_done_twice(story: Story, tmp_path: Path) -> None:
    """The last command of a partition is a forwarded one: only its copy tells that it was taken."""
    async with working(story, tmp_path) as client:
        away, offset = await stray(story, Signal(name="stray", key="order-waiting", payload={"n": 2}))
        await accepted(client, Signal(name="unasked", key="order-waiting", payload={"n": 3}))
        async with reading(story.settings, story.topics.events.name, story.topics.partitions) as log:
            await log.until(lambda records: sum(b"stray" in record.value for record in records) == 2)
    before = await story.table()
    await story.damage({number: dict.fromkeys(records) for number, records in before.items()})
    await story.reset_group()
    assert not any((await story.table()).values())

    report = await replay_state(story.settings, story.topics)

    after = await story.table()
    commands = position_key(story.topics.commands.name)
    for number, records in before.items():
        assert {**after[number], commands: b""} == {**records, commands: b""}
    positions = {one.partition: one.position for one in report.partitions}
    assert positions[away] == offset + 1
    events = await story.events()
    async with working(story, tmp_path) as client:
        await accepted(client, answer(story.ids["cooling"]))
        await accepted(client, Signal(name="decided", key="order-waiting", payload={"approved": True}))
    now = await story.events()
    assert [event for event in now if event.type == "signal_received" and event.data["name"] == "stray"] == [
        event for event in events if event.type == "signal_received" and event.data["name"] == "stray"
    ]
    assert Counter(event.type for event in now)["started"] == Counter(event.type for event in events)["started"]
