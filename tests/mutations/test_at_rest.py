"""Bugs that need no fault to show: a plant that runs with one comes to rest with a difference."""

import pytest

from tests.mutations import MUTATIONS
from tests.verify.quiet_plant import QuietPlant
from weir.verify.memory import compare_tables

SHOWN = (
    "timers early",
    "timers overtake commands",
    "write events twice",
    "forward twice",
    "drop rejections",
    "drop dead letters",
    "forget a state",
    "deliver a signal twice",
    "keep early signals",
    "fire timers twice",
    "another idempotency key each time",
    "forget starts of the clock",
    "route a reading again",
)
"""The others need somebody to die, or a role that this plant has not: the simulation has both."""


@pytest.mark.parametrize("name", SHOWN)
async def test_it_is_found(name: str) -> None:
    with MUTATIONS[name]():
        plant = QuietPlant()
        plant.story()
    checked = await plant.check()
    assert checked.differences + compare_tables(checked.folds, plant.contents.parts, plant.now_ms)


async def test_nothing_stays_planted() -> None:
    for mutation in MUTATIONS.values():
        with mutation():
            pass
    plant = QuietPlant()
    plant.story()
    assert await plant.differences() == []
