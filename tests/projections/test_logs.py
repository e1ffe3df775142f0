"""What happened, in all instances of a time: found by its words, and looked for in that time only."""

import itertools
from datetime import timedelta
from typing import Any

from projections import queries
from projections.queries.logs import statement
from streams.core.durations import instant
from tests.projections.conftest import World
from tests.projections.plans import nodes_of, planned
from tests.projections.story import EVENTS, T0, Story, batch, numbered

DAY = timedelta(days=1)
BEGAN = instant(T0)


async def fill(world: World) -> dict[str, Story]:
    stories = {}
    for day in range(5):
        story = Story(str(day), started_ms=T0 + day * 86_400_000, definition_id=f"d{day % 2}")
        story.tell("started", key=f"pump-{day}", variables={"note": "50% of 2_3"})
        story.enter("look").tell("activity_failed", "look", "mqtt: no broker", execution=1, error="mqtt: no broker")
        story.tell("task_completed", "ask", user="ann", answers={"pin": "4711"}, execution=2)
        stories[str(day)] = story
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, numbered([value for one in stories.values() for value in one.values])))
    return stories


async def test_lines_are_found_by_their_words(world: World) -> None:
    stories = await fill(world)
    days = {story.id: day for day, story in stories.items()}

    async def found(text: str | None, since: int = 0, until: int = 9, **more: Any) -> str:
        wanted = queries.LogFilter(since=BEGAN + since * DAY, until=BEGAN + until * DAY, text=text, **more)
        return "".join(days[str(one.instance_id)] for one in await queries.logs(world.connection, wanted, limit=100))

    assert await found("No Broker") == "43210", "the newest first"
    assert await found("failed at look") == "43210"
    assert await found("pump-3") == "3"
    assert await found("50% of 2_3", until=1) == "0"
    assert await found("5_%") == "", "no wildcards"
    assert await found("broker", since=1, until=3) == "21"
    assert await found("broker", definition_id="d1") == "31"
    assert await found(None, types=["activity_failed"]) == "43210"
    assert await found("4711") == "43210"
    assert await found("4711", answers=False) == ""
    one = stories["2"]
    lines = await queries.history(world.connection, one.id, text="BROKER")
    assert [line.event_type for line in lines] == ["activity_failed"]
    assert await queries.history(world.connection, one.id, text="4711", answers=False) == []
    assert [line.seq for line in await queries.history(world.connection, one.id, text="4711")] == [4]


async def test_pages_hold_every_line_once_and_are_read_from_their_days(world: World) -> None:
    await fill(world)
    wanted = queries.LogFilter(since=BEGAN, until=BEGAN + 9 * DAY)
    everything = await queries.logs(world.connection, wanted, limit=100)
    assert len(everything) == 20
    place, pages = None, []
    while page := await queries.logs(world.connection, wanted, before=place, limit=3):
        pages.append(page)
        place = queries.LogPlace.of(page[-1])
    assert list(itertools.chain(*pages)) == everything
    a_day = queries.LogFilter(since=BEGAN + 2 * DAY, until=BEGAN + 2.1 * DAY, text="nothing")
    plan = await planned(world.connection, *statement(a_day, None, 50))
    read = {one["Relation Name"] for one in nodes_of(plan) if one.get("Actual Loops") and "Relation Name" in one}
    assert len([name for name in read if "hyper" in name]) <= 2
