"""The demo from beginning to end: a plant of its own, the machines, what happened, whether it is what had to happen."""

import asyncio
import time
from pathlib import Path
from typing import Protocol

from aiokafka.errors import KafkaError

from streams.core.commands import DeployDefinition
from streams.core.parse import parse_definition
from streams.log import LogError
from streams.topics import load_topics
from weir.client import CommandClient
from weir.database import UnreachableError
from weir.demo import plant as demo_plant
from weir.demo.follow import Tally, follow
from weir.demo.machines import Ear, Published, Schedule, play
from weir.demo.plan import Plan
from weir.demo.plant import DemoPlant
from weir.demo.report import Report, Seen, latency, make_report
from weir.demo.results import Counts, count, starts
from weir.lag import ask_lags
from weir.verify.run import verify
from weir.watch import Accepted, NoAnswerError

DEPLOY_TIMEOUT_S = 60.0
SETTLE_TIMEOUT_S = 60.0
SETTLE_POLL_S = 0.25
SETTLED_S = 1.0
LEAD_S = 0.5
"""Between the last preparation and the first reading."""
LOOKED_AT = 0.07
"""The share of the readings by which the demo judges whether the plant keeps up: some seconds, some commands.  As many
come before, while everything is new.
"""


class DemoError(Exception):
    """The demo cannot be played to its end; the message says why."""


class _TooFastError(Exception):
    """The plant does not answer as fast as this is played; it is worth playing ``slower``."""

    def __init__(self, answer_ms: float, slower: Plan) -> None:
        super().__init__(f"{answer_ms:.0f} ms from a reading to its command")
        self.answer_ms, self.slower = answer_ms, slower


class Show(Protocol):
    """Who tells the person at the terminal."""

    def step(self, text: str, share: float | None) -> None:
        """Bringing up and winding down; ``share`` is how much of the step is done."""

    def playing(self, readings: int) -> None:
        """The machines begin; so many readings will be played."""

    def played(self, tally: Tally) -> None:
        """One more reading was."""

    def line(self, text: str) -> None:
        """Something started, cooled or escalated."""

    def again(self, why: str) -> None:
        """The machines begin again, more slowly."""


def run(plan: Plan, home: Path, show: Show, *, keep: bool) -> Report:
    """Run the demo under ``home``, which is emptied first.  The plant is stopped at the end unless ``keep``.

    On a machine that cannot answer between two readings it is begun again, more slowly: the counts would be right for
    such a plant, but hardly those of the oracle.
    """
    began = time.monotonic()
    while True:
        try:
            return _run(plan, home, show, began, keep=keep)
        except _TooFastError as error:
            plan = error.slower
            show.again(
                f"This computer takes {error.answer_ms:.0f} ms from a reading to its command:"
                f" playing again, {plan.tick_s * 1000:.0f} ms a reading"
            )


def _run(plan: Plan, home: Path, show: Show, began: float, *, keep: bool) -> Report:
    show.step("preparing a home for the demo", None)
    stack = demo_plant.fresh_stack(home)
    try:
        plant = demo_plant.start(stack, plan.threshold, plan.interval, plan.tick_s, plan.longest, show.step)
        return asyncio.run(_play(plan, plant, show, began))
    except ExceptionGroup as group:
        if (too_fast := group.subgroup(_TooFastError)) is not None:
            raise too_fast.exceptions[0] from None
        raise _cannot_go_on(*group.exceptions) from group
    except (KafkaError, LogError, UnreachableError, NoAnswerError) as error:
        raise _cannot_go_on(error) from error
    finally:
        if not keep:
            stack.down(show.step)


def _cannot_go_on(*errors: Exception) -> DemoError:
    reasons = "; ".join(f"{type(error).__name__}: {error}" for error in errors)
    return DemoError(f"The demo's plant failed while it played: {reasons}")


async def _play(plan: Plan, plant: DemoPlant, show: Show, began: float) -> Report:
    settings = plant.settings
    show.step("deploying the process", None)
    await _deploy(plant)
    ear, tally = Ear(settings.mqtt_url), Tally()
    published: Published = {}
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(ear.listen())
        following = group.create_task(follow(settings, tally, show.line))
        await ear.listening.wait()
        schedule = Schedule(settings.plant_clock, plan.tick_s, (time.time() + LEAD_S) * 1000)
        show.playing(plan.readings)
        pace = group.create_task(_watch_pace(plan, plant, published, ear))
        await play(plan.machines, settings.mqtt_url, schedule, published, lambda: show.played(tally))
        pace.cancel()
        show.step("waiting until everything is settled", None)
        counts = await _settle(plan, plant, tally, ear)
        listening.cancel()
        following.cancel()
    show.step("verifying log, table and database", None)
    verified = await verify(settings, load_topics(settings), lambda _done, _total: None)
    seen = Seen(counts, await starts(settings), tally, published, ear.heard, verified)
    return make_report(plan, seen, time.monotonic() - began)


async def _deploy(plant: DemoPlant) -> None:
    definition = parse_definition(plant.definition.read_text(encoding="utf-8"), str(plant.definition))
    async with CommandClient(plant.settings) as client:
        command = DeployDefinition(definition=definition.model_dump(mode="json"))
        outcome = await client.send_and_wait(command, DEPLOY_TIMEOUT_S)
    if not isinstance(outcome, Accepted):
        raise DemoError(f"Expected the demo's definition to be deployed, but it was refused: {outcome.message}")


async def _watch_pace(plan: Plan, plant: DemoPlant, published: Published, ear: Ear) -> None:
    """Raise ``_TooFastError`` when early answers take so long that the plan should be a slower one."""
    share_s = LOOKED_AT * plan.longest * plan.tick_s
    await asyncio.sleep(LEAD_S + share_s)
    warm_ms = time.time() * 1000
    await asyncio.sleep(share_s)
    answer_ms = latency(published, ear.heard, await starts(plant.settings), warm_ms).p50
    if answer_ms is not None and (slower := plan.slower(answer_ms / 1000)) is not None:
        raise _TooFastError(answer_ms, slower)


async def _settle(plan: Plan, plant: DemoPlant, tally: Tally, ear: Ear) -> Counts:
    """Wait until every reading is routed, every instance has ended and the database has it all; then count.

    What has not settled in time is counted as it is: the checks tell.
    """
    topics = load_topics(plant.settings)
    deadline = time.monotonic() + SETTLE_TIMEOUT_S
    since, before = time.monotonic(), None
    while True:
        routed = [one.records for one in (await ask_lags(plant.settings, topics)).stages if one.stage == "router"]
        counts = await count(plant.settings)
        now = time.monotonic()
        settled = (
            routed == [0] * len(topics.telemetry)
            and counts.readings >= plan.readings
            and counts.running == 0
            and tally.ended == tally.started == counts.started
            and tally.events == counts.history_rows
            and len(ear.heard) >= tally.started
        )
        if not settled or counts != before:
            since, before = now, counts
        elif now - since >= SETTLED_S:
            return counts
        if now > deadline:
            return counts
        await asyncio.sleep(SETTLE_POLL_S)
