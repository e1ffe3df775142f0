"""What the gateway was asked for, from its topic to the question, and joined with what it led to."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from projections import queries
from projections.errors import UpgradeNeededError
from projections.queries import AuditFilter, AuditPlace
from streams.core.durations import instant
from tests.projections.conftest import World
from tests.projections.story import AUDIT, EVENTS, T0, batch, cooling, numbered, write_of

RAW = msgspec.Raw(b'{"reason":"why","n":[1,null]}')


async def test_from_the_topic_to_the_question(world: World) -> None:
    story = cooling("a")
    of_instance = {"instance_id": story.id, "target": story.id, "cause": story.events[0].cause, "command_id": "c"}
    route = "/processes/{instance_id}/cancel"
    written = [
        write_of(1, **of_instance, route=route, request=RAW),
        write_of(2, principal=None, kind="unknown", status=401, address="10.0.0.9"),
        b"{}",
        write_of(3, principal="ben", target="k1", before=RAW, after=RAW),
        write_of(3, principal="ben", target="k2"),
        write_of(4, instance_id="x"),
    ]
    await world.begin(EVENTS, AUDIT)
    await world.projector.project(batch(EVENTS, numbered(story.values)))
    await world.projector.project(batch(AUDIT, numbered(written)))
    assert [letter.reason[:40] for letter in world.dead_letters.letters] == [
        "Expected a record of the gateway's audit"
    ] * 2

    async def ids(before: AuditPlace | None = None, limit: int = 9, **wanted: Any) -> list[str]:
        found = await queries.audit(world.connection, AuditFilter(**wanted), before=before, limit=limit)
        return [item.id if item.target is None else item.target for item, _ in found]

    assert await ids() == ["k2", "k1", "w-2", story.id]
    assert await ids(principal="ben") == ["k2", "k1"]
    assert await ids(target="k1") == ["k1"]
    assert await ids(route=route) == await ids(instance_id=story.id) == [story.id]
    assert await ids(status=401, since=instant(T0 + 2), until=instant(T0 + 3)) == ["w-2"]
    assert await ids(since=instant(T0 + 2), until=instant(T0 + 3) + timedelta(seconds=1), status=202) == ["k2", "k1"]
    pages, place = [], None
    while page := await queries.audit(world.connection, AuditFilter(), before=place, limit=1):
        ((item, place),) = page
        pages.append(item)
    assert [one.target for one in pages] == ["k2", "k1", None, story.id]
    assert (pages[1].before, pages[1].after, pages[0].after) == ({"reason": "why", "n": [1, None]},) * 2 + (None,)
    assert (pages[3].request, pages[3].cause, pages[3].route) == (pages[1].before, story.events[0].cause, route)

    led_to = await world.rows("SELECT * FROM audit_events ORDER BY seq")
    caused = [event for event in story.events if event.cause == story.events[0].cause]
    assert [(one["seq"], one["event_type"]) for one in led_to] == [(event.seq, event.type) for event in caused]
    assert {(one["principal"], one["route"]) for one in led_to} == {("ada", route)}


async def test_a_record_of_a_newer_weir_stops_the_projector(world: World) -> None:
    await world.begin(AUDIT)
    with pytest.raises(UpgradeNeededError, match="process-audit/0 offset 0: has format v2: upgrade"):
        await world.projector.project(batch(AUDIT, numbered([write_of(1, v=2)])))
