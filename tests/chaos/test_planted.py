"""Bugs between Weir and the world are found in a whole plant, by a course of events that leaves nothing to chance.

What the log shows by itself is planted in ``tests/mutations`` and in the simulation.
"""

import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.chaos.home import new_folder
from tests.chaos.judge import judge
from tests.chaos.site import Site, building, quiet, within
from weir.verify.report import Difference

FOUND_BY = {
    "acknowledge MQTT early": ("bridge", "Kafka never got it"),
    "swallow an action's error": ("effect", "expected mqtt_publish to be performed"),
    "answer what is not performed": ("effect", "expected notify to be performed"),
    "route a reading again": ("reading", "expected one of hot, but the log has 2"),
}
"""The kind of difference, and a part of its message."""
RATE = 30.0
ENOUGH = 20
STEP_S = 120.0


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = new_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def site(folder: Path) -> AsyncIterator[Site]:
    """All at once: they are in different roles, or in different actions."""
    async with building(folder, Random(1), RATE, plants=frozenset(FOUND_BY)) as site:
        yield site


async def _bridge_dies_with_messages_in_its_hands(site: Site) -> None:
    bridge = site.fleet.members["bridge-0"]
    site.services.networks[bridge.host].kafka.stall()
    assert await within(STEP_S, lambda: site.flight.gauges()["bridge"] >= ENOUGH)
    bridge.signal(signal.SIGKILL)
    site.services.heal()


async def _found(site: Site) -> list[Difference]:
    await site.works()
    await site.load.pause()
    await site.load.flush()
    assert await within(STEP_S, lambda: quiet(site))
    return await judge(site)


@pytest.mark.timeout(900)
async def test_every_planted_bug_is_found(site: Site) -> None:
    await site.work()
    await site.load.fail(ENOUGH)
    assert await within(STEP_S, lambda: site.flight.counts["completed"] >= ENOUGH)
    await _bridge_dies_with_messages_in_its_hands(site)
    found = await _found(site)
    for name, (kind, words) in FOUND_BY.items():
        assert [one for one in found if one.kind == kind and words in one.message], (name, found)
