"""A pattern on the real stack: two days of four machines that failed, through MQTT, bridge, router and processor.

The machines play as in the demo, on a clock that shows five minutes of plant time in ``TICK_S``; the processor is
killed half way, and another goes on.  What fires is compared with what the series say.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from aiokafka.structs import ConsumerRecord

from streams.codec import decode_event
from streams.core.commands import DeployDefinition
from streams.core.durations import instant_text, parse_instant_ms
from streams.core.events import Event
from streams.core.parse import parse_definition
from streams.settings import Settings
from tests.roles import Role, Topic, reading, running
from tests.site import make_site, telemetry_topic
from weir.client import CommandClient
from weir.demo import machines
from weir.demo.machines import Schedule, play
from weir.demo.series import Series, failure_windows
from weir.watch import Accepted

BRIDGE, ROUTER, PROCESSOR = "streams.mqtt_bridge", "streams.agents.router", "streams.agents.processor"
PARTITIONS = 4
TICK_S = 0.02
INTERVAL_MS = 300_000
FACTOR = INTERVAL_MS / 1000 / TICK_S
LEAD_S = 2.0
HELD = 6
"""Readings in ``for: 28m``: the one with which it begins, and those 5, 10, 15, 20 and 25 minutes later."""
ON, OFF = 93.0, 90.0
OVERHEATING = """
id: overheating
version: 1
triggers:
  - {{type: pattern, topic: {topic}, deadband: {{value: fields.flow_temp_c, on: 93.0, off: 90.0}}, for: 28m,
     mode: parallel, lateness: 1d, max_age: 30d}}
  - {{type: pattern, topic: {topic}, condition: fields.flow_temp_c > 93.0, count: 10, within: 2h,
     mode: parallel, lateness: 1d, max_age: 30d}}
variables:
  - {{name: machine, source: tags.device_id}}
  - {{name: temperature, source: fields.flow_temp_c, live: false}}
activities:
  - {{id: note, type: service, action: log, message: "${{machine}} is at ${{temperature}}"}}
"""


class Fired(NamedTuple):
    """A start, as far as the series determine it; ``at`` in readings from the beginning of the series."""

    machine: str
    pattern: str
    at: int
    temperature: float


def expected(series: Series) -> list[Fired]:
    """What fires, said over the whole series."""
    found, values = [], series.values
    on_since: int | None = None
    hot: list[int] = []
    for index, value in enumerate(values):
        if on_since is None and value > ON:
            on_since = index
        elif on_since is not None and value < OFF:
            on_since = None
        if on_since is not None and index - on_since == HELD - 1:
            found.append(Fired(series.device_id, "for", on_since, value))
        if value > ON:
            hot = [one for one in hot if index - one <= 24] + [index]
        if len(hot) == 10:
            found.append(Fired(series.device_id, "count", index, value))
            hot = []
    return sorted(found)


@pytest.mark.timeout(600)
async def test_machines_that_overheat(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, topics = await make_site(settings, tmp_path)
    monkeypatch.setattr(machines, "TELEMETRY", f"{own.app_id}/heatpump/{{device_id}}/telemetry")
    begin = round(time.time() * 1000)
    own = own.model_copy(update={"clock": f"{instant_text(begin)}@{instant_text(begin)}x{FACTOR:g}"})
    series = failure_windows()
    wanted = sorted(one for machine in series for one in expected(machine))
    assert {one.pattern for one in wanted} == {"for", "count"}
    async with (
        reading(own, topics.events.name, PARTITIONS) as events,
        CommandClient(own, topics) as client,
        running(PROCESSOR, own, tmp_path) as first,
    ):
        await first.works()
        text = OVERHEATING.format(topic=telemetry_topic(own))
        command = DeployDefinition(definition=parse_definition(text).model_dump(mode="json"))
        assert isinstance(await client.send_and_wait(command, 60), Accepted)
        async with running(ROUTER, own, tmp_path) as router, running(BRIDGE, own, tmp_path) as bridge:
            await router.works()
            await bridge.works()
            schedule = await _play(own, series, first, tmp_path, events, len(wanted))
        await _read_all(events)
        assert sorted(_fired(event, series, schedule) for event in _starts(events.records)) == wanted


async def _play(
    own: Settings, series: Sequence[Series], first: Role, folder: Path, events: Topic, wanted: int
) -> Schedule:
    """Play everything, kill the ``first`` processor half way, and wait until so many have started."""
    half = asyncio.Event()
    left = sum(len(one.readings) for one in series) // 2

    def played() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            half.set()

    schedule = Schedule(own.plant_clock, TICK_S, (time.time() + LEAD_S) * 1000)
    async with asyncio.TaskGroup() as group:
        group.create_task(play(series, own.mqtt_url, schedule, {}, played))
        await half.wait()
        await first.kill()
        async with running(PROCESSOR, own, folder) as second:
            await events.until(lambda records: len(_starts(records)) >= wanted)
            await second.stop()
    return schedule


def _starts(records: Sequence[ConsumerRecord]) -> list[Event]:
    found = [decode_event(record.value) for record in records if b'"started"' in record.value]
    return [event for event in found if event.type == "started"]


def _fired(event: Event, series: Sequence[Series], schedule: Schedule) -> Fired:
    """Read back from the start: devices' times are the schedule's, each machine's with a share of a tick of its own."""
    data, trigger = event.data, event.data["trigger"]
    number = next(index for index, one in enumerate(series) if one.device_id == data["key"])
    begin = parse_instant_ms(schedule.later(number / len(series)).device_time(0))
    after = parse_instant_ms(trigger["at"]) - begin - (28 * 60_000 if trigger["pattern"] == "for" else 0)
    assert data["variables"]["machine"] == data["key"]
    return Fired(data["key"], trigger["pattern"], round(after / INTERVAL_MS), data["variables"]["temperature"])


async def _read_all(events: Topic) -> None:
    before = -1
    while before < len(events.records):
        before = len(events.records)
        await events.look()
