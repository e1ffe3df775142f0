"""The station on a whole plant: from a position to a zone's entry, an alert, the next process and a message."""

import json
import time
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiomqtt
import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from streams.codec import decode_event
from streams.core.commands import DeployDefinition
from streams.core.events import Event
from streams.core.parse import parse_definition
from streams.kafka import client_options
from streams.mqtt import MqttAddress
from streams.settings import Settings
from tests.roles import reading, running
from tests.site import make_site, migrated
from tests.station.world import HOME
from weir.client import CommandClient
from weir.lag import ask_lags
from weir.watch import Accepted

ROLES = [f"streams.agents.{role}" for role in ("station", "processor", "router", "actions")]
DEFINITIONS = """
id: guard
trigger: {type: zone_entry, zone_id: ZONE, group_id: guests}
variables: [{name: who, source: tags.user_id}, {name: name, source: fields.user_name}]
activities:
  - {id: alarm, type: service, action: create_alert,
     config: {title: "${name} is in the vault", severity: critical, alert_key: "${who}", user_id: "${who}"}}
---
id: on-alert
trigger: {type: alert_created, severity: critical, user_id: USER}
variables: [{name: who, source: tags.user_id}, {name: title, source: fields.title}]
activities:
  - {id: tell, type: service, action: send_message, config: {user_id: "${who}", message: "${title}"}}
---
id: chat
trigger: {type: message_received, contains: USER, channel: night}
activities:
  - {id: note, type: service, action: log, message: heard}
"""


def completed(records: Sequence[ConsumerRecord]) -> dict[str, Event]:
    """The starts of what has completed, by definition."""
    events = [decode_event(record.value) for record in records]
    done = {event.subject for event in events if event.type == "completed"}
    return {event.definition_id: event for event in events if event.type == "started" and event.subject in done}


async def test_a_position_and_a_message_start_processes_that_act(settings: Settings, tmp_path: Path) -> None:
    own, topics = await make_site(settings.model_copy(update={"session_timeout_s": 6.0}), tmp_path, station=True)
    await migrated(own.database_url)
    zone, user = (f"{name}-{uuid.uuid4().hex[:8]}" for name in ("vault", "ann"))
    connection = await asyncpg.connect(own.database_url)
    await connection.execute(
        "INSERT INTO zones (id, name, lat, lon, radius_m) VALUES ($1, 'Vault', $2, $3, 50)", zone, *HOME
    )
    await connection.execute("INSERT INTO users (id, name) VALUES ($1, 'Ann')", user)
    await connection.execute("INSERT INTO groups (id, name) VALUES ('guests', 'Guests')")
    await connection.execute("INSERT INTO group_members (group_id, user_id) VALUES ('guests', $1)", user)
    address = MqttAddress.parse(own.mqtt_url)
    async with AsyncExitStack() as stack:
        mqtt = await stack.enter_async_context(aiomqtt.Client(address.host, address.port))
        producer = await stack.enter_async_context(AIOKafkaProducer(**client_options(own)))
        events = await stack.enter_async_context(reading(own, topics.events.name, topics.partitions))
        client = await stack.enter_async_context(CommandClient(own, topics))
        roles = []
        for module in ROLES:
            roles.append(await stack.enter_async_context(running(module, own, tmp_path)))
            await roles[-1].works()
        await mqtt.subscribe(f"weir/message/user/{user}", qos=1)
        for text in DEFINITIONS.replace("ZONE", zone).replace("USER", user).split("---"):
            definition = parse_definition(text).model_dump(mode="json")
            assert isinstance(await client.send_and_wait(DeployDefinition(definition=definition), 60), Accepted)
        await roles[2].said("definition known", times=3)

        async def send(topic: str, tags: dict[str, str], **fields: object) -> None:
            value = {"tags": tags, "fields": fields, "timestamp": time.time()}
            await producer.send_and_wait(topic, json.dumps(value).encode(), user.encode())

        await send("positions", {"user_id": user}, lat=HOME.lat, lon=HOME.lon)
        await send("messages", {"user_id": user, "channel": "night"}, text=f"{user} is here")
        found = completed(
            await events.until(lambda records: completed(records).keys() >= {"guard", "on-alert", "chat"})
        )
        assert {name: event.data["trigger"]["type"] for name, event in found.items()} == {
            "guard": "zone_entry", "on-alert": "alert_created", "chat": "message_received",
        }  # fmt: skip
        assert found["guard"].data["key"] == user
        message = await anext(aiter(mqtt.messages))
        assert json.loads(bytes(message.payload))["message"] == "Ann is in the vault"  # type: ignore[arg-type]
        behind = await ask_lags(own, topics)
        assert {one.topic: one.records for one in behind.stages if one.stage == "station"} == {
            "positions": 0, "messages": 0,
        }  # fmt: skip
        for role in reversed(roles):
            await role.stop()
    [alert] = await connection.fetch("SELECT * FROM alerts")
    assert (alert["title"], alert["status"], alert["key"]) == ("Ann is in the vault", "open", user)
    assert await connection.fetchval("SELECT count(*) FROM zone_members WHERE user_id = $1", user) == 1
    rows = await connection.fetch("SELECT direction, text FROM messages WHERE user_id = $1 ORDER BY direction", user)
    assert [tuple(row) for row in rows] == [("in", f"{user} is here"), ("out", "Ann is in the vault")]
    assert await connection.fetchval("SELECT count(*) FROM station_outbox") == 0
    await connection.close()
