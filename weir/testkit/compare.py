"""Compares what a test expects with what there is: expected may be less than there is."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from streams.core.expressions import MISSING
from weir.testkit.case import Done, Expected
from weir.testkit.observed import Observed
from weir.testkit.plant import Effect

_SHOWN = 200
_LISTED = 10
"""Instances or actions in one failure."""


def look(expected: Expected, process: str, seen: Iterable[Observed]) -> str | None:
    """What is not as expected among the instances of a plant; ``process`` where the test names none."""
    process = expected.process or process
    of_it = [one for one in seen if one.process == process and expected.key in {None, one.key}]
    differing = [(one, list(instance_differences(expected, one))) for one in of_it]
    alike = sum(not wrong for _, wrong in differing)
    if alike == expected.count:
        return None
    of_key = "" if expected.key is None else f" with key {expected.key}"
    said = [describe(one) + _wrong(wrong) for one, wrong in differing]
    what = f"{_times(expected.count, 'instance')} of {process}{of_key} like this"
    return f"Expected {what}, but got {alike} of {len(of_it)}{_lines(said)}"


def look_at_effects(expected: Done, effects: Iterable[Effect], seen: Sequence[Observed]) -> str | None:
    """What is not as expected among the actions of a plant, whose instances ``seen`` are."""
    keys = {one.id: one.key for one in seen}
    of_it = [
        one
        for one in effects
        if expected.action in {None, one.action}
        and expected.activity in {None, one.activity_id}
        and (expected.key is None or keys.get(one.instance_id) == expected.key)
    ]
    differing = [(one, list(effect_differences(expected, one))) for one in of_it]
    alike = sum(not wrong for _, wrong in differing)
    if alike == expected.count:
        return None
    said = [f"{one.action} of {one.activity_id}, {one.outcome}{_wrong(wrong)}" for one, wrong in differing]
    what = f"{_times(expected.count, 'action')} like this"
    return f"Expected {what}, but got {alike} of {len(of_it)}{_lines(said) or listed(seen)}"


def instance_differences(expected: Expected, got: Observed) -> Iterator[str]:
    """What of an instance is not as expected."""
    if expected.status not in {None, got.status}:
        yield f"status: expected {expected.status}, got {got.status}"
    if expected.path is not None and list(expected.path) != got.path:
        yield f"path: expected {_way(expected.path)}"
    for name, value in expected.variables.items():
        yield from differences(value, got.variables.get(name, MISSING), f"variables.{name}")
    for text in expected.messages:
        if not any(text in message for message in got.messages):
            yield f"messages: expected {text!r}, got {_shown(got.messages)}"


def effect_differences(expected: Done, got: Effect) -> Iterator[str]:
    """What of an action is not as expected."""
    if expected.outcome != got.outcome:
        yield f"outcome: expected {expected.outcome}, got {got.outcome}"
    if expected.config is not None:
        yield from differences(expected.config, got.config, "config")


def differences(expected: Any, got: Any, place: str) -> Iterator[str]:
    """Where ``got`` lacks something of ``expected``: mappings may have more, lists not, and 1 is 1.0 but not true."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for name, value in expected.items():
            yield from differences(value, got.get(name, MISSING), f"{place}.{name}")
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for at, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from differences(one, other, f"{place}[{at}]")
    elif isinstance(expected, bool) is not isinstance(got, bool) or expected != got:
        yield f"{place}: expected {_shown(expected)}, got {_shown(got)}"


def describe(one: Observed) -> str:
    """An instance, and the path that it has taken."""
    of_key = "" if one.key is None else f", key {one.key}"
    return f"{one.process}{of_key}, {one.status}, took {_way(one.path)}"


def listed(seen: Iterable[Observed]) -> str:
    """Instances, a line each, for the end of a message."""
    return _lines([describe(one) for one in seen]) or "\n    nothing has started"


def _wrong(texts: Iterable[str]) -> str:
    return "".join(f"\n      {text}" for text in texts)


def _times(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _lines(said: list[str]) -> str:
    more = "" if len(said) <= _LISTED else f"\n    … {len(said) - _LISTED} more"
    return "".join(f"\n    {one}" for one in said[:_LISTED]) + more


def _way(path: list[str] | tuple[str, ...]) -> str:
    return " → ".join(path) or "no activity"


def _shown(value: Any) -> str:
    if value is MISSING:
        return "nothing"
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
