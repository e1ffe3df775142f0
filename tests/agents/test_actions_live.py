"""A process whose actions reach Kafka, PostgreSQL and MQTT, through the real processor and the real action worker."""

from pathlib import Path

import aiomqtt
import asyncpg
import orjson
import pytest

from streams.codec import decode_event
from streams.core.commands import DeployDefinition, StartProcess
from streams.core.parse import parse_definition
from streams.mqtt import MqttAddress
from streams.settings import Settings
from tests.roles import reading, running
from tests.site import make_site, telemetry_topic
from weir.client import CommandClient
from weir.watch import Accepted

PLANTED = "pl4nted-badge"
TEXT = """
id: order
trigger: {type: api}
variables: [{name: item}]
activities:
  - {id: keep, type: service, action: database_execute, output: kept,
     statement: "INSERT INTO orders (item, badge) VALUES (:item, :badge) RETURNING id",
     params: {item: "${item}", badge: "${secrets.badge}"}}
  - {id: look, type: service, action: database_query, output: found,
     query: "SELECT item FROM orders WHERE id = :id", params: {id: "${kept.rows[0].id}"}}
  - {id: tell, type: emit, topic: TOPIC, key: "${item}", event: {item: "${item}", count: "${found.count}"}}
  - {id: say, type: service, action: notify, message: "${found.rows[0].item} is kept", channel: order/done}
"""


async def test_a_process_reaches_database_topic_and_people(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIR_SECRET_BADGE", PLANTED)
    own, topics = await make_site(settings, tmp_path)
    database = await asyncpg.connect(own.database_url.reveal())
    await database.execute("CREATE TABLE orders (id serial PRIMARY KEY, item text, badge text)")
    topic, address = telemetry_topic(own), MqttAddress.parse(own.mqtt_url)
    definition = parse_definition(TEXT.replace("TOPIC", topic)).model_dump(mode="json")
    async with (
        aiomqtt.Client(address.host, address.port) as people,
        reading(own, topics.events.name, topics.partitions) as log,
        reading(own, topic, topics.telemetry[topic].partitions) as plant,
        running("streams.agents.processor", own, tmp_path) as processor,
        CommandClient(own, topics) as client,
    ):
        await people.subscribe("weir/notify/order/#", qos=1)
        await processor.works()  # one after the other: on a busy machine two take longer than anybody waits
        async with running("streams.agents.actions", own, tmp_path) as worker:
            await worker.works()
            assert isinstance(await client.send_and_wait(DeployDefinition(definition=definition), 60), Accepted)
            started = await client.send_and_wait(StartProcess(definition_id="order", variables={"item": "it's"}), 60)
            assert isinstance(started, Accepted), started
            records = await log.until(lambda found: any(b'"type":"completed"' in one.value for one in found))
            [emitted] = await plant.count(1)
            notice = orjson.loads(bytes((await anext(aiter(people.messages))).payload))
            said = worker.output()
    rows = await database.fetch("SELECT item, badge FROM orders")
    keys = await database.fetch("SELECT key FROM weir_done_actions")
    await database.close()
    assert [tuple(row) for row in rows] == [("it's", PLANTED)]
    assert (emitted.key, orjson.loads(emitted.value)) == (b"it's", {"item": "it's", "count": 1})
    assert notice["message"] == "it's is kept"
    events = [decode_event(one.value) for one in records]
    asked = [event.data["idempotency_key"] for event in events if event.type == "action_requested"]
    assert len(asked) == 4
    assert [row["key"] for row in keys] == asked[:1]
    found = next(event.data["value"] for event in events if event.data.get("name") == "found")
    assert found == {"rows": [{"item": "it's"}], "count": 1, "more": False}
    assert all(PLANTED.encode() not in one.value for one in records)
    assert PLANTED not in said
