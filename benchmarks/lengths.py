"""Is a long process linear in its length?  CPU microseconds an activity, of short ones and of ones ten times as long.

Each length is a whole instance, from its start to its end, its follow-up commands and the reading of its state
included; a process that is linear has the same figure for both.
"""

from collections.abc import Callable
from statistics import median
from typing import Any

from streams.core.definition import ProcessDefinition

LENGTHS = (100, 1_000)
LONG = (1_000, 10_000)
BRANCHES = (10, 100)
"""A parallel has no more."""
ROUNDS = 3
LOG = {"type": "service", "action": "log", "config": {"message": "x"}}


def _row(count: int) -> list[dict[str, Any]]:
    return [{"id": f"a{number}", **LOG} for number in range(count)]


def _parallel(count: int) -> list[dict[str, Any]]:
    branches = {f"b{number}": [{"id": f"a{number}", **LOG}] for number in range(count)}
    return [{"id": "both", "type": "parallel", "branches": branches}]


def _foreach(_count: int) -> list[dict[str, Any]]:
    items = {"id": "each", "type": "foreach", "items": "list", "activities": [{"id": "a", **LOG}]}
    return [items]


def _compensate(count: int) -> list[dict[str, Any]]:
    done = [{**one, "compensation": [{**one, "id": f"u{number}"}]} for number, one in enumerate(_row(count))]
    return [*done, {"id": "undo", "type": "compensate"}]


SHAPES: dict[str, tuple[Callable[[int], list[dict[str, Any]]], tuple[int, int]]] = {
    "row": (_row, LONG),
    "parallel": (_parallel, BRANCHES),
    "foreach": (_foreach, LENGTHS),
    "compensate": (_compensate, LENGTHS),
}


def definition(shape: str, count: int) -> ProcessDefinition:
    """Beyond what a file may hold: made without one."""
    activities = [{"id": "start", "type": "start"}, *SHAPES[shape][0](count), {"id": "end", "type": "end"}]
    following = [one["id"] for one in activities[1:]]
    chained = [{**one, "next": after} for one, after in zip(activities[:-1], following, strict=True)]
    return ProcessDefinition.model_validate(
        {
            "id": "measured",
            "name": "Measured",
            "version": 1,
            "max_steps": 100_000,
            "triggers": [{"type": "api"}],
            "variables": [{"name": "list", "default": list(range(count))}],
            "activities": [*chained, activities[-1]],
        }
    )


def per_activity_us(
    run: Callable[[ProcessDefinition], Callable[[], tuple[int, int, int]]],
) -> dict[str, dict[str, float]]:
    """By shape and length.  ``run`` makes what carries one instance through, and tells its nanoseconds of CPU."""
    found: dict[str, dict[str, float]] = {}
    for shape, (_, lengths) in SHAPES.items():
        once = {count: run(definition(shape, count)) for count in lengths}
        spent: dict[int, list[float]] = {count: [] for count in lengths}
        for _ in range(ROUNDS):
            for count, one in once.items():
                took, loading, _ = one()
                spent[count].append((took + loading) / count / 1000)
        found[shape] = {str(count): round(median(each), 1) for count, each in spent.items()}
    return found
