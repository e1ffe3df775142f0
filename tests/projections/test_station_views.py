"""The views of what processes are made of, what sets them off, and the templates that they were made of."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec.structs import asdict

from projections import queries
from streams.codec import encode_json
from streams.core.commands import DeployDefinition, Origin
from streams.core.decide.published import version_record
from streams.core.definition import ProcessDefinition
from streams.core.durations import instant
from streams.core.parse import parse_definition, validate_definition
from streams.core.station_form import form_definition
from streams.core.station_parts import form_of
from streams.core.station_reading import conditions_from
from streams.core.triggers.station import STATION_TRIGGERS
from tests.projections.conftest import World
from tests.projections.story import DEFINITIONS, EVENTS, T0, Story, batch, numbered

FOLDER = Path(__file__).parents[2] / "definitions"
SHIPPED = [one for one in sorted(FOLDER.glob("*.yaml")) if not one.name.endswith(".test.yaml")]
STATION_FORM: dict[str, Any] = {
    "name": "Door watch",
    "triggers": [
        {"trigger_type": "time_schedule", "trigger_config": {"cron": "0 6 * * *", "timezone": "Europe/Berlin"}},
        {"trigger_type": "manual"},
        {
            "trigger_type": "database",
            "is_active": False,
            "trigger_config": {"query": "SELECT 1 AS id", "watermark": "id", "every": "1m"},
        },
        *(
            {"trigger_type": name, "trigger_config": {"user_id": "ann"}, "priority": at, "conditions": "fields.x > 1"}
            for at, name in enumerate(STATION_TRIGGERS)
        ),
    ],
    "actions": [
        {"action_type": "log", "action_config": {"message": "in"}, "timeout_seconds": 5400, "action_order": 2},
        {"action_type": "log", "action_config": {"message": "first"}, "retry_count": 0, "conditions": ["1 < 2"]},
    ],
}
NESTED = """
id: nested
triggers: [{type: redpanda, topic: t, key: tags.a, max_age: 1h}, {type: message, name: m}]
activities:
  - id: each
    type: foreach
    items: "[1, 2]"
    activities:
      - {id: one, type: service, action: log, message: one, timeout: 1500ms, retry: 7,
         compensation: [{id: back, type: service, action: log, message: back}]}
  - id: both
    type: parallel
    branches:
      left: [{id: two, type: service, action: log, message: two}, {id: three, type: emit, topic: t, event: {}}]
      r: [{id: four, type: script, source: output = 1}]
"""


async def deploy(world: World, *definitions: ProcessDefinition, origin: Origin | None = None) -> None:
    """As their topic has it."""
    command = DeployDefinition(definition={}, origin=origin)
    records = numbered([encode_json(version_record(one, command, T0)) for one in definitions])
    await world.begin(DEFINITIONS)
    await world.projector.project(batch(DEFINITIONS, records))


async def test_triggers_and_actions(world: World) -> None:
    """The views and ``form_of`` tell the same, but that conditions are expressions in SQL."""
    definitions = [
        form_definition(STATION_FORM, "door-watch", 2),
        parse_definition(NESTED),
        *(parse_definition(one.read_text()) for one in SHIPPED),
    ]
    await deploy(world, form_definition(STATION_FORM | {"triggers": []}, "door-watch"), *definitions)
    stored = await world.rows("SELECT DISTINCT ON (id) definition FROM process_definitions ORDER BY id, version DESC")
    forms = {row["definition"]["id"]: form_of(validate_definition(row["definition"])) for row in stored}
    told: dict[str, dict[str, list[dict[str, Any]]]] = {
        id_: {name: form[name] for name in ("triggers", "actions")} for id_, form in forms.items()
    }
    found: dict[str, dict[str, list[dict[str, Any]]]] = {one: {"triggers": [], "actions": []} for one in told}
    for row in await world.rows("SELECT * FROM process_triggers ORDER BY process_id, length(id), id"):
        assert row.pop("created_at") == instant(T0)
        process = row.pop("process_id")
        assert row.pop("id") == f"{process}/trigger/{len(found[process]['triggers']) + 1}"
        found[process]["triggers"].append({**row, "conditions": conditions_from(row["conditions"])})
    for row in await world.rows("SELECT * FROM process_actions ORDER BY process_id, action_order"):
        assert row.pop("created_at") == instant(T0)
        process = row.pop("process_id")
        found[process]["actions"].append({**row, "conditions": conditions_from(row["conditions"], "trigger.")})
    assert found == told
    assert [one["id"] for one in found["nested"]["actions"]] == ["one", "back", "four", "two", "three"]


async def test_what_is_still_to_come(world: World) -> None:
    await deploy(world, form_definition(STATION_FORM, "door-watch"))
    running, ended = (Story(name, definition_id="door-watch").tell("started", variables={}) for name in ("on", "over"))
    for story in (running, ended):
        story.tell("activity_skipped", "action_2", condition="1 < 2")
    ended.tell("cancelled")
    await world.begin(EVENTS)
    records = numbered([value for story in (running, ended) for value in story.values])
    await world.projector.project(batch(EVENTS, records))
    for story, wanted in (
        (running, [("action_2", "skipped"), ("action_1", "pending")]),
        (ended, [("action_2", "skipped")]),
    ):
        rows = await world.rows(
            "SELECT * FROM process_execution_steps WHERE execution_id = $1 ORDER BY seq", UUID(story.id)
        )
        assert [(one["action_id"], one["status"]) for one in rows] == wanted
        found = await queries.execution(world.connection, story.id)
        assert found is not None
        told = [{**asdict(one), "execution_id": found.id} for one in found.steps]
        assert told == [{name: one for name, one in row.items() if name not in ("seq", "execution")} for row in rows]


async def test_what_sets_processes_off(world: World) -> None:
    causes = {0: {"type": "api"}, 10: {"type": "timer", "index": 0}, 20: {"type": "timer", "index": 1}, 60: None}
    stories = [
        Story(f"s{minute}", started_ms=T0 + minute * 60_000).tell("started", trigger=trigger, variables={})
        for minute, trigger in causes.items()
    ]
    await world.begin(EVENTS)
    await world.projector.project(batch(EVENTS, numbered([value for story in stories for value in story.values])))
    rows = await world.rows("SELECT * FROM trigger_frequencies ORDER BY hour, trigger_type")
    assert [(one["process_id"], one["trigger_type"], one["count"]) for one in rows] == [
        ("temperature-control", "manual", 1), ("temperature-control", "time_schedule", 2),
        ("temperature-control", "manual", 1),
    ]  # fmt: skip
    assert rows[0]["hour"] == datetime(2026, 9, 21, 14, tzinfo=UTC)
    span = (rows[0]["hour"], rows[0]["hour"] + timedelta(hours=2))
    told = await queries.trigger_frequencies(world.connection, *span)
    assert [(one.trigger_type, one.count) for one in told.triggers] == [("manual", 2), ("time_schedule", 2)]
    assert [(one.time, one.trigger_type, one.count) for one in told.trends] == [
        (one["hour"], one["trigger_type"], one["count"]) for one in rows
    ]
    assert told.triggers[0].last_at == instant(T0 + 3_600_000)
    daily = await queries.trigger_frequencies(world.connection, *span, interval="day")
    assert [(one.trigger_type, one.count) for one in daily.trends] == [("manual", 2), ("time_schedule", 2)]
    later = await queries.trigger_frequencies(world.connection, instant(T0 + 60_000), span[1])
    assert later.total == 3
    assert (await queries.trigger_frequencies(world.connection, *span, definition_id="other")).total == 0


async def test_how_many_were_made_of_a_template(world: World) -> None:
    of_it = Origin(by="anna", template="threshold-alarm")
    versions = [form_definition(STATION_FORM, "door-watch", version) for version in (1, 2)]
    await deploy(world, *versions, origin=of_it)
    await world.connection.executemany(
        "INSERT INTO saved_templates (id, name, template_data, created_by) VALUES ($1, $1, $2, $3)",
        [("threshold-alarm", "kind: template", "anna"), ("unused", "kind: template", "anna")],
    )
    rows = await world.rows("SELECT * FROM process_templates ORDER BY id")
    assert [(one["id"], one["usage_count"], one["is_public"]) for one in rows] == [
        ("threshold-alarm", 1, True), ("unused", 0, True),
    ]  # fmt: skip
