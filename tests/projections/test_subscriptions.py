"""Who waits for an event: processes that it starts, and instances that stand where it is awaited."""

from typing import Any

from projections.queries import WaitPlace, waiting_instances, waiting_triggers
from streams.core.parse import parse_definition
from streams.core.station_form import form_definition
from tests.projections.conftest import World
from tests.projections.plans import Explained, nodes_of
from tests.projections.story import EVENTS, T0, Story, batch, numbered
from tests.projections.test_station_views import STATION_FORM, deploy

ORDER = """
id: order
trigger: {type: message, name: ordered}
activities:
  - {id: both, type: parallel, branches: {left: [{id: wait, type: message, name: delivered, correlation: "'x'"}],
                                          right: [{id: other, type: message, name: paid}]}}
"""
WATCH = """
id: watch
triggers: [{type: redpanda, topic: heat, condition: fields.t > 5}, {type: message, name: ordered, enabled: false}]
activities: [{id: note, type: service, action: log, message: hot}]
"""
DAY_MS = 86_400_000


def waiting(cause: str, name: str = "delivered", correlation: str | None = None, **parts: Any) -> Story:
    story = Story(cause, definition_id="order", **parts).tell("started", key=f"key-{cause}", variables={})
    story.enter("wait", "message")
    told = {} if correlation is None else {"correlation": correlation}
    return story.tell("message_awaited", "wait", name=name, execution=1, **told)


async def project(world: World, *stories: Story) -> None:
    await deploy(world, parse_definition(ORDER), parse_definition(WATCH), form_definition(STATION_FORM, "doors"))
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, numbered([value for story in stories for value in story.values])))


async def test_processes_that_an_event_starts(world: World) -> None:
    await project(world, waiting("a"))

    async def found(event: str) -> list[tuple[str, str]]:
        return [(one.definition_id, one.trigger_type) for one in await waiting_triggers(world.connection, event)]

    assert await found("ordered") == [("order", "message")], "what is off waits for nothing"
    assert await found("heat") == [("watch", "redpanda")]
    assert await found("zone_entry") == [("doors", "zone_entry")]
    assert await found("nothing") == []
    [one] = await waiting_triggers(world.connection, "heat")
    assert (one.version, one.conditions, one.trigger_config) == (1, "fields.t > 5", {"topic": "heat"})
    await world.connection.execute(
        "INSERT INTO definition_activations (id, off, pruned, retired, changed_at)"
        " VALUES ('watch', true, false, '{}', now())"
    )
    assert await found("heat") == []


async def test_instances_that_wait_for_a_message(world: World) -> None:
    over = waiting("over", correlation="order-7").tell("activity_completed", "wait", execution=1, output={})
    two_waits = waiting("twice", started_ms=T0 - 1000).enter("other", "message")
    two_waits.tell("message_awaited", "other", name="delivered", execution=2)
    two_waits.enter("third", "message").tell("message_awaited", "third", name="paid", execution=3)
    cancelled = waiting("cancelled").tell("activity_cancelled", "wait", execution=1)
    ended = waiting("ended").tell("cancelled")
    stories = {
        "plain": waiting("plain"),
        "keyed": waiting("keyed", correlation="order-7", started_ms=T0 + 1000),
        "late": waiting("late", correlation="order-8", started_ms=T0 + 40 * DAY_MS),
        "other": waiting("other", name="paid"),
        "twice": two_waits,
        "suspended": waiting("suspended", started_ms=T0 + 2000).tell("suspended"),
        "again": over.enter("wait", "message").tell(
            "message_awaited", "wait", name="delivered", execution=2, correlation="order-9"
        ),
    }
    await project(world, *stories.values(), cancelled, ended)
    names = {story.id: name for name, story in stories.items()}

    async def found(key: str | None = None, **page: Any) -> list[str]:
        told = await waiting_instances(world.connection, "delivered", key, **page)
        return [names[str(one.instance_id)] for one in told]

    assert set(await found()) == {"plain", "keyed", "late", "suspended", "again", "twice"}
    assert (await found())[-2:] == ["twice", "twice"]
    assert await found(limit=2) == ["late", "suspended"]
    everything = await waiting_instances(world.connection, "delivered")
    assert await found(limit=9, before=WaitPlace.of(everything[1])) == [
        names[str(one.instance_id)] for one in everything[2:]
    ]
    assert await found(before=WaitPlace.of(everything[-2])) == ["twice"]
    assert await found("order-7") == ["keyed"], "what it had waited for is over"
    assert await found("order-9") == ["again"]
    assert await found("key-plain") == ["plain"]
    assert await found("key-keyed") == [], "it waits under another key"
    assert await found("nobody") == []
    assert [names[str(one.instance_id)] for one in await waiting_instances(world.connection, "paid")] == [
        "other",
        "twice",
    ]
    [one] = await waiting_instances(world.connection, "delivered", "order-8")
    assert (one.definition_id, one.activity_id, one.status, one.correlation) == ("order", "wait", "running", "order-8")


async def test_who_waits_under_a_key_is_read_from_the_index(world: World) -> None:
    await project(world, *(waiting(str(n), correlation=f"order-{n}", started_ms=T0 + n) for n in range(2_000)))
    await world.connection.execute("ANALYZE process_history")
    asking: Any = Explained(world.connection)
    assert len(await waiting_instances(asking, "delivered", "order-7")) == 1
    *_, plan = asking.plans
    assert any("process_history_awaited" in one.get("Index Name", "") for one in nodes_of(plan)), plan
