"""A replay that does not come to its end, and whoever comes in between."""

import signal
import uuid
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

import weir.replay.state as module
from streams.codec import encode_entity
from streams.core.commands import Signal
from streams.core.state import Key
from streams.transport.contents import position_key
from tests.forking import Forked
from tests.replay import child
from tests.replay.story import Story, Table, accepted, answer, working
from tests.roles import environment
from weir.replay import ReplayError, replay_state

IN_2100_MS = 4_102_444_800_000
GHOST = encode_entity(Key(1, "ghost", 7, cooldowns={"nobody/0": IN_2100_MS}))
"""A key that no event tells of; it holds something, so that a processor does not let go of it."""


async def spoil(story: Story, before: Table) -> Table:
    """Something wrong in every partition: an entity that never was, and a position that is too low."""
    commands = position_key(story.topics.commands.name)
    partitions = range(story.topics.partitions)
    await story.damage({number: {b"key:ghost": b"\xff", commands: b"0"} for number in partitions if before.get(number)})
    return await story.table()


async def killed(story: Story, nth: int, moment: str) -> None:
    log = story.settings.topics_file.with_name(f"{uuid.uuid4().hex}.log")
    code, output = await Forked(log, environment(story.settings), child.main, nth, moment).finish()
    assert code == -signal.SIGKILL, output


def renewed(now: Table, spoilt: Table) -> set[int]:
    return {number for number, records in now.items() if records != spoilt[number]}


async def test_killed_at_any_moment_and_run_again_the_result_is_the_same(story: Story) -> None:
    before = await story.table()
    spoilt = await spoil(story, before)
    for moment, done in (("open", 1), ("committed", 2)):
        await killed(story, 2, moment)
        async with module.fenced(story.settings, story.topics):
            now = await story.table()  # the fence has ended the transaction that the child had left open
        assert len(renewed(now, spoilt)) == done, moment
        assert all(now[number] == before[number] for number in renewed(now, spoilt))
        spoilt = await spoil(story, before)
    await killed(story, 1, "open")
    report = await replay_state(story.settings, story.topics)
    assert await story.table() == before
    assert report.repaired == len([records for records in before.values() if records])
    again = await replay_state(story.settings, story.topics)
    assert (again.repaired, again.removed) == (0, 0)


async def test_a_processor_that_starts_after_half_a_replay_goes_on(story: Story, tmp_path: Path) -> None:
    """The open transaction does not hold it up, and both tables, the former and the new one, go with the commands."""
    before = await story.table()
    ghost = {b"key:ghost": GHOST}  # wrong, and nobody minds
    await story.damage(dict.fromkeys(before, ghost))
    spoilt = await story.table()
    await killed(story, 2, "open")
    async with working(story, tmp_path) as client:
        assert len(renewed(await story.table(), spoilt)) == 1
        await accepted(client, answer(story.ids["cooling"]))
        await accepted(client, Signal(name="decided", key="order-waiting", payload={"approved": True}))
    assert (await story.history("waiting"))[-1] == "completed"
    now = await story.table()
    extra = [
        key
        for records in (await story.table(soft=True)).values()
        for key in records
        if key in ghost or b"latest" in key
    ]
    report = await replay_state(story.settings, story.topics)
    assert (report.repaired, report.removed) == (0, len(extra))
    assert await story.table() == {
        number: {key: value for key, value in records.items() if key not in ghost} for number, records in now.items()
    }


async def test_while_a_processor_works_nothing_is_touched(story: Story, tmp_path: Path) -> None:
    async with working(story, tmp_path) as client:
        await accepted(client, answer(story.ids["cooling"]))
        before = await story.table()
        with pytest.raises(
            ReplayError, match=r"Expected no processor at work, but group .* has 1 on 127.0.0.1"
        ) as told:
            await replay_state(story.settings, story.topics)
        assert "weir up --no-roles" in told.value.hint
        assert await story.table() == before
        await accepted(client, Signal(name="decided", key="order-waiting", payload={"approved": True}))


async def test_a_processor_that_starts_meanwhile_wins(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await story.table()
    ghost = {b"key:ghost": GHOST}
    await story.damage(dict.fromkeys(before, ghost))
    real = module.resume_at
    async with AsyncExitStack() as stack:
        asked = []

        async def resume_at(*arguments: Any) -> int | None:
            asked.append(arguments)
            if len(asked) == 2:
                asked.append(await stack.enter_async_context(working(story, tmp_path)))
                await accepted(asked[-1], answer(story.ids["cooling"]))
            return await real(*arguments)

        monkeypatch.setattr(module, "resume_at", resume_at)
        with pytest.raises(ReplayError, match="A worker has started meanwhile and owns partition"):
            await replay_state(story.settings, story.topics)
        haunted = [number for number, records in (await story.table()).items() if b"key:ghost" in records]
        assert len(haunted) == len(before) - 1
        await accepted(asked[-1], Signal(name="decided", key="order-waiting", payload={"approved": True}))
    assert (await story.history("waiting"))[-1] == "completed"
