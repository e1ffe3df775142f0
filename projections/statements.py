"""A statement that is put together: of conditions that are asked for, so that its plan has their index."""

import re
from collections.abc import Callable, Iterable
from typing import Any

Parameter = Callable[[Any], str]
"""Takes a value, and returns how a statement names it: ``$1``, ``$2`` …"""


class Parameters:
    """The values of a statement that is being put together."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def __call__(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


def conditions_of(wanted: Iterable[tuple[str, Any]], parameter: Parameter) -> list[str]:
    """The conditions (``"started_at >= {}"``) whose value is not ``None``, in SQL."""
    return [condition.format(parameter(value)) for condition, value in wanted if value is not None]


def containing(text: str) -> str:
    """The pattern of ``LIKE`` for what has ``text`` in it."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"
