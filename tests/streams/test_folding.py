"""The fold of a partition, and what it leaves out as the processor does."""

import pytest

from streams.codec import UpgradeError
from streams.core.apply import FoldError
from streams.core.commands import Signal
from streams.core.durations import instant_ms
from streams.core.events import Event
from streams.core.state import Finished, Instance
from streams.endings import FAILED_TTL_MS, MIN_MARK_MS
from streams.folding import Fold
from tests.core.plant import Plant
from tests.core.test_instances import APPROVAL

DAY_MS = 86_400_000


@pytest.fixture
def log() -> list[Event]:
    """One instance that waits, one completed, one failed, a second apart."""
    plant = Plant(APPROVAL)
    for number in range(3):
        plant.start("approval", f"order-{number}", amount=5)
    plant.do(Signal(name="decided", key="order-1", payload={"approved": True}), after_ms=1_000)
    plant.do(Signal(name="decided", key="order-2", payload={}), after_ms=1_000)
    return plant.log


def folded(log: list[Event], marks_after_ms: int | None = None) -> Fold:
    fold = Fold(marks_after_ms)
    for event in log:
        fold.take(event)
    return fold


def kinds(fold: Fold) -> list[str]:
    return sorted(entity.status for entity in fold.entities.values() if isinstance(entity, Instance | Finished))


def test_marks_and_failed_instances_are_forgotten_when_the_processor_forgets_them(log: list[Event]) -> None:
    end = instant_ms(log[-1].time)
    for age_ms, left in (
        (MIN_MARK_MS, ["completed", "failed", "running"]),
        (DAY_MS, ["failed", "running"]),
        (FAILED_TTL_MS - 1, ["failed", "running"]),
        (FAILED_TTL_MS, ["running"]),
    ):
        fold = folded(log)
        fold.forget(DAY_MS, end + age_ms)
        assert kinds(fold) == left, age_ms


def test_old_marks_are_not_even_kept(log: list[Event]) -> None:
    (ended,) = [instant_ms(event.time) for event in log if event.type == "completed"]
    assert kinds(folded(log, ended)) == ["completed", "failed", "running"]
    assert kinds(folded(log, ended + 1)) == ["failed", "running"]


def test_what_does_not_follow_is_an_error(log: list[Event]) -> None:
    with pytest.raises(FoldError, match="Expected seq"):
        folded([*log, log[0]])
    log[1].type = "reconsidered"
    with pytest.raises(UpgradeError, match="is of type 'reconsidered': upgrade"):
        folded(log)
