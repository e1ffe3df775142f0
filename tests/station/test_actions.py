"""The station's actions, in memory and in PostgreSQL: what they change, what follows, and that it happens once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import orjson
import pytest

from streams.actions import ActionError, ActionRequest, performers
from streams.actions.connections import fake_connections
from streams.actions.publisher import FakePublisher
from streams.station.memory import MemoryStation
from streams.station.sql import SqlStation
from streams.station.tables import Station
from tests.site import migrated
from tests.station.world import FAR, HOME, NOW_MS, World, in_memory, in_postgres


@pytest.fixture(params=["memory", "postgres"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "memory":
        yield in_memory(MemoryStation())
        return
    fresh_database: Callable[..., str] = request.getfixturevalue("fresh_database")
    url = fresh_database(migrated)
    connection, station = await asyncpg.connect(url), SqlStation(url)
    yield await in_postgres(station, connection)
    await station.stop()
    await connection.close()


async def perform(
    world: World | Station,
    action: str,
    config: dict[str, Any],
    key: str = "i:a:1",
    publisher: FakePublisher | None = None,
    now_ms: int = NOW_MS,
) -> dict[str, Any]:
    station = world.station if isinstance(world, World) else world
    connections = fake_connections()._replace(station=station, plant_ms=lambda: now_ms)
    performer = performers(connections._replace(mqtt=publisher or connections.mqtt))[action]
    return await performer.perform(ActionRequest(action, config, "i", "a", "night-watch", key, 20.0))


async def refused(world: World, action: str, config: dict[str, Any], key: str = "i:a:1") -> str:
    with pytest.raises(ActionError) as caught:
        await perform(world, action, config, key)
    return f"{caught.value.error_type}: {caught.value}"


def named(events: list[dict[str, Any]]) -> list[str]:
    return [event["tags"]["event"] for event in events]


# Alerts.


async def test_an_alert_is_created_acknowledged_and_resolved(world: World) -> None:
    config = {
        "title": "Too hot", "message": "95 °C", "severity": "critical", "alert_key": "pump-3", "zone_id": "home",
        "user_id": "ann", "data": {"t": 95.5, "list": [None, True]},
    }  # fmt: skip
    made = await perform(world, "create_alert", config)
    assert made == {"alert_id": made["alert_id"], "status": "open", "created": True}
    [event] = await world.events()
    assert event["tags"] == {
        "event": "alert_created", "event_id": event["tags"]["event_id"], "alert_id": made["alert_id"],
        "alert_key": "pump-3", "severity": "critical", "zone_id": "home", "user_id": "ann",
    }  # fmt: skip
    assert event["fields"] == {
        "title": "Too hot", "message": "95 °C", "status": "open", "by": "i", "note": None,
        "data": {"t": 95.5, "list": [None, True]},
    }  # fmt: skip
    assert event["timestamp"] == "2013-12-10T06:25:00.000Z"
    by_id = {"alert_id": made["alert_id"], "by": "ann", "note": "On my way"}
    assert await perform(world, "acknowledge_alert", by_id, "i:b:1") == {
        "alert_id": made["alert_id"], "status": "acknowledged", "changed": True,
    }  # fmt: skip
    assert (await perform(world, "acknowledge_alert", by_id, "i:b:2"))["changed"] is False
    done = await perform(world, "resolve_alert", {"alert_key": "pump-3"}, "i:c:1")
    assert done == {"alert_id": made["alert_id"], "status": "resolved", "changed": True}
    assert named(await world.events()) == ["alert_created", "alert_acknowledged", "alert_resolved"]
    [row] = await world.rows("alerts")
    assert (row["status"], row["acknowledged_by"], row["resolved_by"], row["note"], row["created_by"]) == (
        "resolved", "ann", "i", "On my way", "i",
    )  # fmt: skip
    again = await perform(world, "resolve_alert", {"alert_id": made["alert_id"]}, "i:c:2")
    assert again == {"alert_id": made["alert_id"], "status": "resolved", "changed": False}


async def test_of_one_key_there_is_one_alert_until_it_is_resolved(world: World) -> None:
    config = {"title": "Hot", "alert_key": "pump-3"}
    first = await perform(world, "create_alert", config)
    second = await perform(world, "create_alert", config, "i:a:2")
    assert second == {"alert_id": first["alert_id"], "status": "open", "created": False}
    await perform(world, "resolve_alert", {"alert_key": "pump-3"}, "i:b:1")
    third = await perform(world, "create_alert", config, "i:a:3")
    assert (third["created"], third["alert_id"] != first["alert_id"]) == (True, True)
    assert await perform(world, "resolve_alert", {"alert_key": "pump-4"}, "i:b:2") == {
        "alert_id": None, "status": None, "changed": False,
    }  # fmt: skip


async def test_two_who_create_the_alert_of_a_key_at_once_create_one(world: World) -> None:
    config = {"title": "Hot", "alert_key": "pump-3"}
    made = await asyncio.gather(*(perform(world, "create_alert", config, f"i:a:{n}") for n in range(4)))
    assert sorted(one["created"] for one in made) == [False, False, False, True]
    assert len({one["alert_id"] for one in made}) == 1
    assert named(await world.events()) == ["alert_created"]


async def test_an_alert_that_is_not_there_is_told(world: World) -> None:
    for action in ("acknowledge_alert", "resolve_alert"):
        assert await refused(world, action, {"alert_id": "nowhere"}) == "not_found: There is no alert 'nowhere'"
    assert await world.events() == []


# Once.


@pytest.mark.parametrize(
    ("action", "config"),
    [
        ("create_alert", {"title": "Hot"}),
        ("update_zone", {"zone_id": "yard", "lat": HOME.lat, "lon": HOME.lon, "radius_m": 50}),
        ("update_user_group", {"user_id": "cleo", "group_id": "staff"}),
        ("send_message", {"group_id": "staff", "message": "Hi"}),
        ("send_notification", {"channel": "all", "message": "Hi"}),
        ("trigger_bot_response", {"bot_id": "helper", "trigger": "help", "user_id": "ann"}),
    ],
)
async def test_an_action_that_is_performed_again_changes_nothing_and_says_the_same(
    world: World, action: str, config: dict[str, Any]
) -> None:
    outputs = await asyncio.gather(*(perform(world, action, config) for _ in range(3)))
    events, messages = await world.events(), await world.rows("messages")
    outputs.append(await perform(world, action, config, now_ms=NOW_MS + 5_000))
    assert all(one == outputs[0] for one in outputs)
    assert (await world.events(), await world.rows("messages")) == (events, messages)
    ids = [event["tags"]["event_id"] for event in events]
    assert len(set(ids)) == len(ids)


async def test_a_change_that_fails_leaves_nothing_and_may_be_tried_again(world: World) -> None:
    config = {"user_id": "ann", "group_id": "later"}
    assert await refused(world, "update_user_group", config) == "not_found: There is no group 'later'"

    async def half(tables: Any) -> dict[str, Any]:
        await tables.join("guests", "ann", NOW_MS)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await world.station.once("i:a:1", "x", half)
    done = await perform(world, "update_user_group", {"user_id": "ann", "group_id": "staff", "operation": "set"})
    assert done == {"user_id": "ann", "group_id": "staff", "groups": ["staff"], "changed": True}


# Zones.


async def test_a_zone_is_made_and_who_is_there_comes_in(world: World) -> None:
    around = ((-0.01, -0.01), (-0.01, 0.01), (0.01, 0.01), (0.01, -0.01))
    corners = [{"lat": HOME.lat + north, "lon": HOME.lon + east} for north, east in around]
    made = await perform(world, "update_zone", {"zone_id": "yard", "polygon": corners, "metadata": {"colour": "red"}})
    assert made == {"zone_id": "yard", "created": True, "entered": 2, "left": 0}
    events = await world.events()
    assert [(e["tags"]["event"], e["tags"]["user_id"], e["tags"]["zone_id"]) for e in events] == [
        ("zone_entry", "ann", "yard"), ("zone_entry", "ben", "yard"),
    ]  # fmt: skip
    assert events[0]["fields"] == {
        "user_name": "Ann", "groups": ["night", "staff"], "zone_name": "yard", "lat": HOME.lat, "lon": HOME.lon,
    }  # fmt: skip
    there = await perform(world, "get_users_in_zone", {"zone_id": "yard"}, "i:b:1")
    assert (there["count"], there["user_ids"]) == (2, ["ann", "ben"])


async def test_a_zone_that_moves_leaves_people_behind(world: World) -> None:
    moved = await perform(world, "update_zone", {"zone_id": "home", "lat": FAR.lat, "lon": FAR.lon, "name": "Cabin"})
    assert moved == {"zone_id": "home", "created": False, "entered": 1, "left": 2}
    events = await world.events()
    assert named(events) == ["zone_entry", "zone_exit", "zone_exit"]
    assert [e["fields"]["zone_name"] for e in events] == ["Cabin"] * 3
    assert [e["fields"]["seconds"] for e in events[1:]] == [90.0, 80.0]
    there = await perform(world, "get_users_in_zone", {"zone_id": "home"}, "i:b:1")
    assert there["user_ids"] == ["cleo"]
    assert there["users"] == [{"user_id": "cleo", "name": "Cleo", "groups": [], "since": "2013-12-10T06:25:00.000Z"}]
    closed = await perform(world, "update_zone", {"zone_id": "home", "active": False}, "i:c:1")
    assert (closed["left"], await perform(world, "get_users_in_zone", {"zone_id": "home"}, "i:d:1")) == (
        1, {"zone_id": "home", "count": 0, "user_ids": [], "users": []},
    )  # fmt: skip


async def test_a_larger_radius_keeps_the_centre(world: World) -> None:
    assert (await perform(world, "update_zone", {"zone_id": "home", "radius_m": 20_000}))["entered"] == 1


async def test_who_is_in_a_zone_may_be_asked_of_a_group_and_of_those_online(world: World) -> None:
    async def ids(**more: Any) -> list[str]:
        return (await perform(world, "get_users_in_zone", {"zone_id": "home", **more}))["user_ids"]

    assert await ids() == ["ann", "ben"]
    assert await ids(group_id="night") == ["ann"]
    assert await ids(online=True) == ["ann"]
    assert await refused(world, "get_users_in_zone", {"zone_id": "x"}) == "not_found: There is no zone 'x'"


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (
            {"zone_id": "x", "name": "X"},
            "not_found: There is no zone 'x', and a new one needs lat, lon and radius_m, or a polygon",
        ),
        ({"zone_id": "x", "lat": 1}, "invalid_config: Expected lat from -90 to 90"),
        ({"zone_id": "x", "lat": 1, "lon": 1}, "invalid_config: Expected a radius above 0 m"),
        ({"zone_id": "home", "radius_m": "wide"}, "invalid_config: Expected a radius above 0 m"),
        ({"zone_id": "home", "polygon": []}, "invalid_config: Expected 3 to 1000 corners"),
        ({"zone_id": "home", "polygon": [1, 2, 3]}, "invalid_config: Expected a list of {lat, lon}"),
        ({"zone_id": "home", "margin_m": -1}, "invalid_config: Expected 0 to 10000 in config.margin_m"),
        ({"zone_id": "home", "active": "no"}, "invalid_config: Expected true or false in config.active"),
        ({"zone_id": "home", "metadata": []}, "invalid_config: Expected an object in config.metadata"),
        ({"zone_id": "z" * 201, "lat": 1, "lon": 1, "radius_m": 5}, "invalid_config: Expected at most 200 characters"),
    ],
)
async def test_what_no_zone_can_become_is_told(world: World, config: dict[str, Any], says: str) -> None:
    assert (await refused(world, "update_zone", config)).startswith(says)


# Groups.


async def test_groups_change_with_an_event_for_each(world: World) -> None:
    added = await perform(world, "update_user_group", {"user_id": "cleo", "group_id": "guests"})
    assert added == {"user_id": "cleo", "group_id": "guests", "groups": ["guests"], "changed": True}
    same = await perform(world, "update_user_group", {"user_id": "cleo", "group_id": "guests"}, "i:a:2")
    assert same["changed"] is False
    moved = {"user_id": "ann", "group_id": "guests", "operation": "set"}
    assert (await perform(world, "update_user_group", moved, "i:a:3"))["groups"] == ["guests"]
    gone = {"user_id": "ann", "group_id": "guests", "operation": "remove"}
    assert (await perform(world, "update_user_group", gone, "i:a:4"))["groups"] == []
    events = [(e["tags"]["user_id"], e["tags"]["group_id"], e["tags"]["change"]) for e in await world.events()]
    assert events == [
        ("cleo", "guests", "added"), ("ann", "night", "removed"), ("ann", "staff", "removed"),
        ("ann", "guests", "added"), ("ann", "guests", "removed"),
    ]  # fmt: skip
    assert await refused(world, "update_user_group", {"user_id": "x", "group_id": "staff"}, "i:a:5") == (
        "not_found: There is no user 'x'"
    )


# Messages and bots.


async def test_a_message_is_written_down_and_goes_to_each(world: World) -> None:
    publisher = FakePublisher()
    sent = await perform(world, "send_message", {"group_id": "staff", "message": "Grüß Gott"}, publisher=publisher)
    assert (sent["recipients"], sent["channel"], sent["time"]) == (["ann", "ben"], None, "2013-12-10T06:25:00.000Z")
    assert [one.topic for one in publisher.messages] == ["weir/message/user/ann", "weir/message/user/ben"]
    assert orjson.loads(publisher.messages[0].payload) == {
        "message_id": sent["message_ids"][0], "kind": "message", "title": None, "message": "Grüß Gott",
        "sender": "night-watch", "bot_id": None, "instance_id": "i", "time": "2013-12-10T06:25:00.000Z",
    }  # fmt: skip
    rows = await world.rows("messages")
    assert {(row["user_id"], row["text"], row["direction"]) for row in rows} == {
        ("ann", "Grüß Gott", "out"), ("ben", "Grüß Gott", "out"),
    }  # fmt: skip
    assert await world.events() == []


async def test_a_notification_has_a_title_and_a_priority_and_may_go_to_a_zone(world: World) -> None:
    publisher = FakePublisher()
    config = {"zone_id": "home", "message": "Leave", "title": "Fire", "priority": "urgent"}
    sent = await perform(world, "send_notification", config, publisher=publisher)
    assert sent["recipients"] == ["ann", "ben"]
    assert [one.topic for one in publisher.messages] == ["weir/notify/user/ann", "weir/notify/user/ben"]
    said = orjson.loads(publisher.messages[1].payload)
    assert (said["title"], said["priority"], said["kind"]) == ("Fire", "urgent", "notification")
    assert {row["kind"] for row in await world.rows("messages")} == {"notification"}


async def test_a_bot_gives_its_response_or_what_it_is_told_to_say(world: World) -> None:
    publisher = FakePublisher()
    config = {"bot_id": "helper", "trigger": "help", "user_id": "ann"}
    assert (await perform(world, "trigger_bot_response", config, publisher=publisher))["text"] == "Ask me"
    config = {"bot_id": "helper", "trigger": "mute", "channel": "all", "message": "Quiet now"}
    await perform(world, "trigger_bot_response", config, "i:a:2", publisher)
    assert [(one.topic, orjson.loads(one.payload)["message"]) for one in publisher.messages] == [
        ("weir/message/user/ann", "Ask me"), ("weir/message/channel/all", "Quiet now"),
    ]  # fmt: skip
    first, second = await world.events()
    assert (first["tags"]["bot_id"], first["tags"]["trigger"], first["tags"]["user_id"]) == ("helper", "help", "ann")
    assert (second["tags"]["channel"], second["tags"]["user_id"], second["fields"]["groups"]) == ("all", None, [])
    silent = {"bot_id": "helper", "trigger": "mute", "user_id": "ann"}
    assert await refused(world, "trigger_bot_response", silent, "i:a:3") == (
        "invalid_config: Expected config.message, since the bot 'helper' has no response to 'mute'"
    )
    assert await refused(world, "trigger_bot_response", silent | {"bot_id": "x"}, "i:a:4") == (
        "not_found: There is no bot 'x'"
    )


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"user_id": "x"}, "not_found: There is no user 'x'"),
        ({"group_id": "x"}, "not_found: There is no group 'x'"),
        ({"zone_id": "x"}, "not_found: There is no zone 'x'"),
        ({"channel": "a/+"}, "invalid_config: Expected an MQTT topic"),
        ({}, "invalid_config: Expected one of user_id, group_id, zone_id, channel in config"),
    ],
)
async def test_a_message_to_nobody_is_told(world: World, config: dict[str, Any], says: str) -> None:
    assert (await refused(world, "send_message", {"message": "Hi", **config})).startswith(says)
    assert await world.rows("messages") == []


async def test_a_message_that_mqtt_did_not_take_goes_out_when_it_is_tried_again(world: World) -> None:
    down, up = FakePublisher(), FakePublisher()
    down.available = False
    config = {"channel": "all", "message": "Hi"}
    connections = fake_connections()._replace(mqtt=down, station=world.station, plant_ms=lambda: NOW_MS)
    performer = performers(connections)["send_message"]
    with pytest.raises(ActionError) as failed:
        await performer.perform(ActionRequest("send_message", config, "i", "a", "night-watch", "i:a:1", 0.1))
    assert (failed.value.error_type, failed.value.retryable) == ("unavailable", True)
    await perform(world, "send_message", config, publisher=up)
    assert (len(up.messages), len(await world.rows("messages"))) == (1, 1)


# Without a database.


async def test_without_a_database_it_is_unavailable() -> None:
    fake = MemoryStation()
    fake.available = False
    for station in (fake, SqlStation("postgresql://weir@127.0.0.1:24999/weir")):
        with pytest.raises(ActionError) as failed:
            await perform(station, "create_alert", {"title": "Hot"})
        assert (failed.value.error_type, failed.value.retryable) == ("unavailable", True)


async def test_a_database_without_the_tables_says_what_to_do(fresh_database: Callable[..., str]) -> None:
    station = SqlStation(fresh_database())
    with pytest.raises(ActionError, match="start the projector, or run weir migrate") as failed:
        await perform(station, "create_alert", {"title": "Hot"})
    assert failed.value.retryable
    await station.stop()


async def test_what_the_database_does_not_take_is_told(world: World) -> None:
    if isinstance(world.station, SqlStation):
        assert (await refused(world, "create_alert", {"title": "a\0b"})).startswith(
            "invalid_config: The database refuses a value"
        )
