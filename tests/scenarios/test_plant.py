"""The scenarios on the real plant: Kafka, TimescaleDB, MQTT, a mail server and all roles.

All tests beside the definitions are played at the same time, each with keys of its own, by the clock of their plant.
From moment to moment: what is due, what devices publish, what people command, and then what is expected.
"""

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from streams.actions.mqtt_publish import payload_bytes
from streams.core.durations import instant_text
from streams.settings import Settings
from tests.roles import DEADLINE_S
from tests.scenarios.play import COMMANDS, LOOKS, READINGS, Moment, Play, unplayable
from tests.scenarios.seed import SEED, SUITES, scenario_of
from tests.scenarios.site import opened
from tests.scenarios.stage import Stage
from weir.verify.run import verify

NOT_HERE = {
    "a network that stays away is told to an admin",
    "settings and monitoring that cannot be sent are told too",
}
"""``unplayable`` says why."""

ROLES = ("processor", "router", "projector")
Due = tuple[Moment, Play]


def plays() -> list[Play]:
    """All tests that can be played here."""
    every = [Play(suite, number) for suite in SUITES for number in range(len(suite.cases))]
    return [one for one in every if unplayable(one.case) is None]


def test_each_scenario_of_the_plan_is_played() -> None:
    here = {scenario_of(one.case) for one in plays()}
    assert {name for names in SEED.values() for name in names} <= here
    assert {case.name for suite in SUITES for case in suite.cases if unplayable(case)} == NOT_HERE


def test_no_two_tests_share_a_key() -> None:
    used = Counter(key for one in plays() if not one.of_clock for key in one.keys)
    assert {key for key, count in used.items() if count > 1} == set()


@pytest.mark.timeout(600)
async def test_the_scenarios(settings: Settings, tmp_path: Path) -> None:
    every = plays()
    definitions = {one.id: one for play in every for one in play.suite.definitions}
    begins_ms = min(play.begins_ms for play in every)
    async with opened(settings, tmp_path, begins_ms) as (stage, router):
        await stage.deploy(definitions.values(), router)
        await _play(stage, every)
        assert [text for play in every for text in play.failures] == []
        assert stage.letters == []
        _check_ends(stage)
        await _check_rows(stage, every)
        now = f"{instant_text(stage.now_ms)}@{instant_text(round(time.time() * 1000))}x1"
        report = await verify(
            stage.settings.model_copy(update={"clock": now}), stage.topics, lambda _done, _total: None
        )
        assert report.differences == []


async def _play(stage: Stage, every: list[Play]) -> None:
    agenda = sorted(
        ((moment, play) for play in every for moment in play.agenda()),
        key=lambda one: (one[0].at_ms, one[0].order),
        reverse=True,
    )
    for play in every:
        stage.listeners.append(play.take)
        for outage in play.outages():
            stage.bar(outage)
    while agenda:
        at_ms = agenda[-1][0].at_ms
        subjects = [one for play in every if play.begins_ms <= at_ms <= play.ends_ms for one in play.subjects()]
        at_ms = min([at_ms, *stage.dues(subjects)])
        stage.set_clock(max(at_ms, stage.now_ms))
        await stage.rest(subjects, at_ms)
        for order in (READINGS, COMMANDS, LOOKS):
            due = []
            while agenda and (agenda[-1][0].at_ms, agenda[-1][0].order) <= (at_ms, order):
                due.append(agenda.pop())
            if due:
                await DO[order](stage, due)
            if due and order != LOOKS:
                await stage.rest(subjects, at_ms, ROLES if order == READINGS else ROLES[:2])


async def _publish(stage: Stage, due: list[Due]) -> None:
    for moment, _ in due:
        await stage.publish(*moment.what)


async def _command(stage: Stage, due: list[Due]) -> None:
    sent = [(moment, play, await play.do(stage, moment.what, moment.place)) for moment, play in due]
    await stage.rest()
    for moment, play, place in sent:
        if place is not None:
            play.judge_refusal(stage, moment.what, place, moment.place)


async def _judge(stage: Stage, due: list[Due]) -> None:
    for moment, play in due:
        play.judge(stage, moment)


DO = {READINGS: _publish, COMMANDS: _command, LOOKS: _judge}


def _check_ends(stage: Stage) -> None:
    """What was done has arrived where it was to, and nothing else has."""
    wanted: set[tuple[str, str, bytes]] = set()
    processes = {one.subject: one.definition_id for one in stage.events}
    emitted: Counter[str] = Counter()
    for one in stage.effects():
        config = one.config
        if one.outcome != "completed":
            continue
        if one.action == "mqtt_publish":
            wanted.add(("mqtt", config["topic"], payload_bytes(config["payload"])))
        elif one.action == "notify":
            subject = config.get("title", f"{processes[one.instance_id]}: {config['message']}")
            wanted.add(("mail", subject, config["message"].encode()))
        elif one.action == "emit":
            emitted[orjson.dumps(config["event"]["fields"]).decode()] += 1
    published = {arrival for arrival in stage.ends.got if not _is_telemetry(arrival)}
    assert published == wanted
    assert Counter(orjson.dumps(orjson.loads(value)["fields"]).decode() for _, value in stage.emitted) == emitted


def _is_telemetry(arrival: tuple[str, str, bytes]) -> bool:
    kind, topic, _ = arrival
    return kind == "mqtt" and "/scenario/" in topic


async def _check_rows(stage: Stage, every: list[Play]) -> None:
    """The database says of each instance what its events say."""
    connection = await asyncpg.connect(stage.settings.database_url)
    try:
        async with asyncio.timeout(DEADLINE_S):
            while await connection.fetchval("SELECT count(*) FROM process_history") < _histories(stage):  # noqa: ASYNC110  no row tells
                await asyncio.sleep(0.05)
        for play in every:
            _, _, seen = play.seen(stage)
            for one in seen:
                assert await _row(connection, one.id) == (one.process, one.key, one.status, one.variables, one.path)
    finally:
        await connection.close()


def _histories(stage: Stage) -> int:
    """Events of instances."""
    return sum(":" not in one.subject for one in stage.events)


async def _row(connection: asyncpg.Connection, instance_id: str) -> tuple[Any, ...]:
    """Process, key, status, variables, path."""
    [row] = await connection.fetch("SELECT * FROM process_instances WHERE id = $1", instance_id)
    steps = await connection.fetch(
        "SELECT activity_id FROM process_history WHERE instance_id = $1 AND event_type = $2 ORDER BY seq",
        instance_id,
        "activity_started",
    )
    path = [step["activity_id"] for step in steps]
    return row["definition_id"], row["business_key"], row["status"], orjson.loads(row["variables"]), path
