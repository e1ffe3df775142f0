"""No reading starts the process by two triggers."""

from collections.abc import Iterator
from itertools import combinations, islice, product
from typing import Any

from streams.core.report import Report
from streams.core.triggers import Mode, ReadingTrigger, Trigger
from streams.core.validation.parts import Parts
from streams.core.validation.simple import Alternative, alternatives

_FIX = "Write one trigger, with 'any:' and a list of conditions, or conditions that exclude each other"
_SAME_FIX = "Remove one of them"
_OUTCOMES: dict[Mode, str] = {
    "single": "the second start is refused",
    "parallel": "it starts the process twice",
    "restart": "the second start ends the first",
    "queued": "the process runs twice, one after the other",
}
_BESIDE = {"condition", "all", "any", "key", "priority", "max_age", "device_time", "mode"}
"""Fields that do not say what a trigger listens to."""
_MAX_WAYS = 32
"""So many ways in which a trigger may fire are looked at: alternatives in several conditions multiply."""


def check(parts: Parts, report: Report) -> None:
    """Triggers that listen to the same; conditions as far as they are simple."""
    for (_, one), (raw, other) in combinations(parts.triggers, 2):
        if not (one.enabled and other.enabled):
            continue
        if type(one) is not type(other) or _listens_to(one) != _listens_to(other):
            continue
        first, second = (number for number, (_, each) in enumerate(parts.triggers, 1) if each is one or each is other)
        outcome = _OUTCOMES[one.mode]
        if not isinstance(one, ReadingTrigger) or not isinstance(other, ReadingTrigger):
            message = f"Triggers {first} and {second} are the same: {outcome}"
            report.add(raw.steps, message, _SAME_FIX, severity="warning")
        elif (example := _both(one, other)) is not None:
            message = f"Triggers {first} and {second} both fire for {example}: {outcome}"
            report.add(raw.steps, message, _FIX, severity="warning")


def _listens_to(trigger: Trigger) -> dict[str, Any]:
    return trigger.model_dump(mode="json", exclude=_BESIDE)


def _both(one: ReadingTrigger, other: ReadingTrigger) -> str | None:
    """A reading that both fire for; nothing when none is known."""
    for mine, theirs in product(islice(_ways(one), _MAX_WAYS), islice(_ways(other), _MAX_WAYS)):
        if mine.others <= theirs.others or theirs.others <= mine.others:
            both = mine.with_(theirs)
            if (example := both.example()) is not None:
                others = " and ".join(sorted(both.others))
                return " and ".join(filter(None, [example, others])) or "any reading"
    return None


def _ways(trigger: ReadingTrigger) -> Iterator[Alternative]:
    """One of them must hold for the trigger to fire."""
    choices = [alternatives(expression) for _, expression in trigger.reads()]
    if trigger.any is not None:
        yield from (one for each in choices for one in each)
        return
    for chosen in product(*choices):
        together = Alternative()
        for one in chosen:
            together = together.with_(one)
        yield together
