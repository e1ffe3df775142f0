"""Lists of the station: what they find, in which order, and that they look only where it can be."""

from typing import Any

from projections import queries
from streams.core.station_form import form_definition
from tests.projections.conftest import World
from tests.projections.plans import Explained, looked_past, nodes_of
from tests.projections.story import EVENTS, T0, Story, batch, numbered
from tests.projections.test_station_views import STATION_FORM, deploy


async def test_all_alerts_about_something_are_read_from_their_index(world: World) -> None:
    await world.connection.execute(
        """
        INSERT INTO alerts (id, key, severity, status, title, created_at, created_by)
        SELECT n::text, 'pump-' || n % 2000, 'info', 'resolved', 'Hot', now() - n * interval '1 min', 'ann'
        FROM generate_series(1, 20000) AS n;
        ANALYZE alerts;
        """
    )
    asking: Any = Explained(world.connection)
    found = await queries.station_alerts(asking, key="pump-7", limit=4)
    assert [one.id for one in found] == ["7", "2007", "4007", "6007"]
    place = queries.AlertPlace(found[-1].created_at, found[-1].id)
    behind = await queries.station_alerts(asking, key="pump-7", before=place)
    assert [one.id for one in behind] == [str(n * 2000 + 7) for n in range(4, 10)]
    for plan in asking.plans:
        assert looked_past(plan) == 0, plan
        assert "alerts_key" in {one.get("Index Name") for one in nodes_of(plan)}


async def test_processes_by_labels_and_in_any_order(world: World) -> None:
    labels = {"a": {"line": "2", "area": "north"}, "b": {"line": "3"}, "c": {}, "d": {"line": "2"}}
    await deploy(
        world, *(form_definition(STATION_FORM | {"name": "Same", "labels": labels[id_]}, id_) for id_ in labels)
    )
    ran = {"a": ["completed", "failed"], "b": ["completed"], "d": ["failed", "failed", "failed"]}
    stories = [
        Story(f"{id_}{at}", definition_id=id_, started_ms=T0 + ord(id_) * 1000).tell("started", variables={})
        for id_, ends in ran.items()
        for at in range(len(ends))
    ]
    for story, end in zip(stories, [end for ends in ran.values() for end in ends], strict=True):
        story.tell(end, **({"error_type": "x", "error": "x: y"} if end == "failed" else {"duration_ms": 1, "steps": 0}))
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, numbered([value for story in stories for value in story.values])))

    async def found(**asked: Any) -> str:
        page, total = await queries.station_processes(world.connection, **asked)
        assert total == len(page) or "limit" in asked
        return "".join(one.id for one in page)

    assert await found() == "abcd", "equal names go by id"
    assert await found(order="desc") == "abcd"
    assert await found(sort="last_executed") == "abdc", "what never ran comes last"
    assert await found(sort="last_executed", order="desc") == "dbac"
    assert await found(sort="success_rate") == "dabc"
    assert await found(sort="success_rate", order="desc") == "badc"
    assert await found(sort="execution_count", order="desc") == "dabc"
    pages = [await found(sort="success_rate", limit=1, offset=at) for at in range(4)]
    assert "".join(pages) == "dabc"
    assert await found(labels={"line": "2"}) == "ad"
    assert await found(labels={"line": None}) == "abd"
    assert await found(labels={"line": "2", "area": "north"}) == "a"
    assert await found(labels={"line": ""}) == ""
    assert await found(is_active=True) == "abcd"
    assert await found(is_active=False) == ""
    one = await queries.station_process(world.connection, "a")
    assert one is not None
    assert one.labels == labels["a"]
