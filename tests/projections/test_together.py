"""Batches of several partitions in one transaction, and what happens when one of them is not as it should be."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from projections.errors import NotOwnerError
from projections.together import Together
from tests.projections.conftest import World
from tests.projections.lossy import lossy_proxy
from tests.projections.story import EVENTS, TELEMETRY, FakeBatch, Story, batch, cooling, numbered

NewWorld = Callable[..., Any]
PARTITIONS = 4


def stories() -> list[FakeBatch]:
    """One instance's events for each partition."""
    return [
        batch(EVENTS, numbered(Story(f"s{number}", number).tell("started", key=None, variables={}).values), number)
        for number in range(PARTITIONS)
    ]


class Writer:
    """Keeps what it was given; fails for what is in ``bad``; waits at ``gate`` while that is closed."""

    def __init__(self, *bad: str) -> None:
        self.calls: list[list[str]] = []
        self.bad = set(bad)
        self.gate = asyncio.Event()

    async def __call__(self, items: Any) -> None:
        self.calls.append(list(items))
        await self.gate.wait()
        if self.bad & set(items):
            raise ValueError(items)


async def begun(together: Together[str], *items: str) -> list[asyncio.Task[bool]]:
    """A task an item; the first is being written."""
    tasks = [asyncio.create_task(together.write(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


async def test_what_comes_meanwhile_is_written_at_once() -> None:
    writer = Writer()
    tasks = await begun(Together(writer), "a", "b", "c")
    writer.gate.set()
    assert await asyncio.gather(*tasks) == [True, True, True]
    assert writer.calls == [["a"], ["b", "c"]]


async def test_only_who_failed_and_who_led_is_told_so() -> None:
    writer = Writer("bad")
    together = Together(writer)
    writer.gate.set()
    results = await asyncio.gather(*(together.write(item) for item in ("a", "bad", "b", "c")))
    assert results[1] is False
    written = [item for item, result in zip(("a", "bad", "b", "c"), results, strict=True) if result]
    calls = [call for call in writer.calls if "bad" not in call]
    assert sorted(item for call in calls for item in call) == sorted(written)


async def test_who_is_cancelled_is_not_written_and_the_others_are() -> None:
    writer = Writer()
    first, second, third = await begun(Together(writer), "a", "b", "c")
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    first.cancel()  # in the middle of its call
    writer.gate.set()
    await asyncio.gather(first, return_exceptions=True)
    assert await third is True
    assert writer.calls[-1] == ["c"]


async def test_partitions_that_wait_share_a_transaction(world: World) -> None:
    await world.begin(EVENTS, partitions=PARTITIONS)
    await asyncio.gather(*(world.projector.project(one) for one in stories()))
    rows = await world.rows("SELECT DISTINCT xmin::text FROM process_history")
    assert len(rows) <= 2  # the first may have gone alone
    assert len(await world.rows("SELECT * FROM process_instances")) == PARTITIONS
    assert [await world.position(EVENTS, number) for number in range(PARTITIONS)] == [1] * PARTITIONS
    assert world.projector.counts.batches == PARTITIONS


async def test_a_partition_that_was_lost_takes_no_other_with_it(world: World, new_world: NewWorld) -> None:
    await world.begin(EVENTS, partitions=PARTITIONS)
    batches = stories()
    async with new_world() as other:
        await other.begin(EVENTS, partitions=PARTITIONS)
        await other.projector.project(batches[2])
    outcomes = await asyncio.gather(*(world.projector.project(one) for one in batches), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), type(None), NotOwnerError, type(None)]
    assert len(await world.rows("SELECT * FROM process_history")) == PARTITIONS


async def test_a_row_that_is_refused_is_found_among_partitions(world: World) -> None:
    await world.begin(TELEMETRY, partitions=2)
    good = numbered([b'{"fields": {"t": 1}}'] * 3)
    bad = numbered([b'{"fields": {"t": 1}}', b'{"fields": {"t": "\\ud800"}}', b'{"fields": {"t": 1}}'])
    await asyncio.gather(
        world.projector.project(batch(TELEMETRY, good, 0)), world.projector.project(batch(TELEMETRY, bad, 1))
    )
    assert len(await world.rows("SELECT * FROM telemetry")) == 5
    assert world.projector.counts.refused == 1


async def test_a_shared_commit_whose_answer_is_lost_is_looked_up(world: World, new_world: NewWorld) -> None:
    async with lossy_proxy(world.url) as proxy, new_world(proxy.url) as unlucky:
        await unlucky.begin(EVENTS, partitions=PARTITIONS)
        proxy.wanted = 2  # of the first alone, and of the shared one
        await asyncio.gather(*(unlucky.projector.project(one) for one in stories()))
        assert proxy.count == 2
    assert len(await world.rows("SELECT * FROM process_history")) == PARTITIONS


@pytest.mark.parametrize("lost", range(3))
async def test_a_story_that_comes_in_parts_is_the_same_however_they_are_shared(world: World, lost: int) -> None:
    await world.begin(EVENTS, partitions=PARTITIONS)
    records = numbered(cooling("a").values)
    for first, end in ((0, 5), (5, 9), (9, 15)):
        others = [one for one in stories() if one.tp.partition == lost + 1] if first == 0 else []
        await asyncio.gather(*(world.projector.project(one) for one in [batch(EVENTS, records[first:end]), *others]))
    [row] = await world.rows("SELECT status, last_seq, steps FROM process_instances WHERE last_seq > 1")
    assert row == {"status": "completed", "last_seq": 15, "steps": 5}
