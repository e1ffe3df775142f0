"""Compares what a test expects with what there is: expected may be less than there is."""

from collections.abc import Iterator
from typing import Any

from streams.core.expressions import MISSING
from weir.testkit.case import Done, Expected
from weir.testkit.observed import Observed
from weir.testkit.plant import Effect

_SHOWN = 200


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


def _way(path: list[str] | tuple[str, ...]) -> str:
    return " → ".join(path) or "no activity"


def _shown(value: Any) -> str:
    if value is MISSING:
        return "nothing"
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
