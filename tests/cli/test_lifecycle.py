"""An instance stands still, is corrected, goes on, changes its version: by the command line, on a plant that runs."""

import asyncio
import uuid

import asyncpg
import pytest

from tests.cli.conftest import Plant
from tests.cli.test_plant import eventually

PUMP = """
id: pump
version: {version}
trigger: {{type: api}}
variables: [{{name: speed, type: number, value: 5}}]
activities:
  - {{id: rest, type: message, name: rested}}
  - {{id: check, type: decision, condition: 10 / speed > 1, true_path: {ask}, false_path: end}}
  - {{id: {ask}, type: message, name: decided}}
  - {{id: end, type: end}}
"""

ORDER = """
id: order
version: 1
trigger: {type: api}
variables: [{name: number, type: string, required: true}, {name: paid}]
activities:
  - {id: wait, type: message, name: paid, correlation: number, output: paid}
"""


@pytest.fixture(scope="module", autouse=True)
def deployed(plant: Plant) -> None:
    folder = plant.home.parent / "pumps"
    folder.mkdir()
    for version, ask in ((1, "ask"), (2, "question")):
        path = folder / f"pump-{version}.yaml"
        path.write_text(PUMP.format(version=version, ask=ask))
        plant.ask("deploy", str(path))


@pytest.fixture
def instance(plant: Plant) -> str:
    """One of version 1 that waits at ``rest``."""
    key = f"pump-{uuid.uuid4().hex[:8]}"
    return plant.ask("start", "pump", "--version", "1", "--key", key)["instance_id"]


def test_what_is_suspended_takes_its_signal_when_it_is_resumed(plant, instance):
    assert plant.ask("suspend", instance, "--reason", "maintenance") == {"suspended": [instance]}
    plant.ask("signal", "rested", "--instance", instance)
    found = eventually(lambda: plant.ask("show", instance), lambda one: one["last_seq"] >= 5)
    assert (found["status"], found["current_activity"]) == ("suspended", "rest")
    assert plant.ask("resume", instance, "--timers", "shift") == {"resumed": [instance]}
    found = eventually(lambda: plant.ask("show", instance), lambda one: one["current_activity"] == "ask")
    assert found["status"] == "running"
    refused = plant.weir("resume", instance)
    assert refused.exit_code == 1
    assert "it is running" in refused.output


def test_who_waits_for_a_message_is_told(plant, instance):
    key = eventually(lambda: plant.ask("show", instance), lambda one: one["current_activity"] == "rest")["business_key"]
    found = plant.ask("subscriptions", "rested", "--key", key)
    assert [(one["instance_id"], one["activity_id"]) for one in found["instances"]] == [(instance, "rest")]
    assert found["definitions"] == []
    text = plant.weir("subscriptions", "rested").stdout
    assert "it starts nothing" in text
    assert instance in text
    assert "no instance waits for it" in plant.weir("subscriptions", "nobody").stdout


def test_what_failed_is_corrected_and_goes_on_where_it_failed(plant, instance):
    plant.ask("set", instance, "--var", "speed=0")
    plant.ask("signal", "rested", "--instance", instance)
    assert eventually(lambda: plant.ask("show", instance), lambda one: one["status"] == "failed")["error"]
    (incident,) = plant.ask("incidents", "--open", "--instance", instance)
    assert (incident["type"], incident["stopped"], incident["resolution"]) == ("activity", "instance", None)
    assert plant.ask("set", instance, "--var", "speed=4") == {"instance": instance, "set": ["speed"]}
    assert plant.ask("retry", instance) == {"retried": [instance]}
    found = eventually(lambda: plant.ask("show", instance), lambda one: one["current_activity"] == "ask")
    assert (found["status"], found["error"], found["completed_at"]) == ("running", None, None)
    assert plant.ask("incidents", "--open", "--instance", instance) == []
    text = plant.weir("incidents", "--definition", incident["definition_id"]).stdout
    assert instance in text
    assert "retried 20" in text


def test_instances_go_on_with_another_version(plant, instance):
    plant.ask("signal", "rested", "--instance", instance)
    arguments = ("migrate-instances", "pump", "--to", "2", "--instance", instance)
    planned = plant.ask(*arguments, "--dry-run", code=1)
    (one,) = planned["instances"]
    assert (one["verdict"], one["at"]) == ("needs_mapping", ["ask"])
    assert "map it to one of question" in one["why"]
    assert plant.ask(*arguments, "--map", "ask=question")["migrated"] == 1
    found = eventually(lambda: plant.ask("show", instance), lambda one: one["definition_version"] == 2)
    assert found["status"] == "running"
    plant.ask("signal", "decided", "--instance", instance)
    eventually(lambda: plant.ask("show", instance), lambda one: one["status"] == "completed")
    assert plant.ask("verify")["ok"]
    found = plant.ask("analytics", "pump", "--since", "1h", "--sla", "1d")
    activities = {one["activity_id"]: one for one in found["activities"]}
    assert activities["question"]["completed"] == 1
    assert activities["question"]["p50_ms"] is not None, "it was called ask when it began"
    assert found["within_sla"] > 0
    text = plant.weir("analytics", "pump", "--by", "hour").stdout
    assert all(word in text for word in ("pump", "question", "p95", "from"))
    assert "pump" in plant.weir("analytics").stdout
    assert [one["process_id"] for one in plant.ask("analytics")["processes"]].count("pump") == 1
    assert "nothing has started since" in plant.weir("analytics", "nobody").stdout
    assert plant.weir("analytics", "--since", "soon").exit_code == 2


def test_what_is_older_than_the_settings_want_it_is_told_and_removed(plant, monkeypatch):
    kept = {one["table"]: one for one in plant.ask("retention")["tables"]}
    assert list(kept) == ["process_history", "process_instances", "telemetry", "audit_log"]
    assert all(one["keep_days"] is one["removed_before"] is None for one in kept.values())
    assert kept["process_history"]["since"] is not None
    since = (
        "INSERT INTO audit_log (time, topic, record_partition, record_offset, id, kind, method, request_id, status) "
    )
    values = "VALUES (now() - interval '30 days', 'process-audit', 0, -1, 'w', 'unknown', 'POST', 'r', 403)"
    asyncio.run(execute(plant.settings.database_url, since + values))
    monkeypatch.setenv("WEIR_AUDIT_KEEP_DAYS", "7")
    assert "audit_log" in (text := plant.weir("retention").stdout)
    assert "7 days" in text
    assert plant.ask("retention")["tables"][3]["expired_chunks"] == 1
    found = plant.ask("retention", "--now")
    assert found["removed"] == [{"table": "audit_log", "chunks": 1, "rows": None}]
    assert found["tables"][3]["expired_chunks"] == 0
    assert found["tables"][3]["removed_before"] is not None
    assert "ever" in plant.weir("retention", "--now").stdout


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def test_a_message_finds_the_instance_that_waits_for_its_key(plant, tmp_path):
    path = tmp_path / "order.yaml"
    path.write_text(ORDER)
    plant.ask("deploy", str(path))
    number = f"o-{uuid.uuid4().hex[:8]}"
    early = plant.ask("publish", "paid", "-c", number, "--payload", '{"amount": 5}', "--id", "m1")
    assert early["outcome"] == "waiting"
    first = plant.ask("start", "order", "--key", f"first-{number}", "--var", f"number={number}")["instance_id"]
    eventually(lambda: plant.ask("show", first), lambda one: one["status"] == "completed")
    second = plant.ask("start", "order", "--key", f"second-{number}", "--var", f"number={number}")["instance_id"]
    eventually(lambda: plant.ask("show", second), lambda one: one["current_activity"] == "wait")
    assert plant.weir("publish", "paid", "-c", number, "--id", "m1").exit_code == 1
    assert plant.ask("publish", "paid", "-c", number)["instance_id"] == second
    found = eventually(lambda: plant.ask("show", second), lambda one: one["status"] == "completed")
    assert found["variables"]["paid"] == {}
    assert plant.ask("verify")["ok"]
