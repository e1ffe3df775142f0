"""Definitions that start others."""

from typing import Any

import pytest

from streams.core.parse import parse_definition
from weir.repository.references import in_order, missing, references


class Starting:
    """A definition, and its one activity, which starts others."""

    def __init__(self, name: str, *started: str) -> None:
        self.id, self._started = name, started

    def all_activities(self) -> list[Any]:
        return [self]

    def starts(self) -> tuple[str, ...]:
        return self._started


@pytest.mark.parametrize(
    ("definitions", "order"),
    [
        ([Starting("a"), Starting("b")], ["a", "b"]),
        ([Starting("a", "b"), Starting("b", "c"), Starting("c")], ["c", "b", "a"]),
        ([Starting("a", "elsewhere"), Starting("b")], ["a", "b"]),
        ([Starting("a", "a", "b"), Starting("b", "b")], ["b", "a"]),
        ([Starting("a", "b"), Starting("b", "a")], ["a", "b"]),
    ],
)
def test_what_is_started_comes_first(definitions: list[Any], order: list[str]) -> None:
    assert in_order({one.id: [one] for one in definitions}) == order


def test_what_is_nowhere_is_told() -> None:
    one: Any = Starting("a", "z", "a", "c", "b")
    assert missing(one, ["b"]) == ["c", "z"]


def test_a_sub_process_is_found_wherever_it_stands() -> None:
    text = (
        "id: a\ntrigger: {type: api}\nactivities:\n"
        "  - {id: one, type: subprocess, process: b, compensation: [{id: undo, type: subprocess, process: c}]}\n"
    )
    assert references(parse_definition(text)) == {"b", "c"}
