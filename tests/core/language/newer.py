"""Another version of a definition: activities and messages have other names, options are gone."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Made = dict[str, Any]
GONE = ("compensation", "timeout", "on_timeout", "on_error", "condition")


@st.composite
def newer(draw: st.DrawFn, made: Made) -> tuple[Made, dict[str, str]]:
    """Version 2 of ``made``, and the new names of activities by the old ones."""
    found = {**copy.deepcopy(made), "version": 2}
    names: dict[str, str] = {}
    for one in draw(st.lists(st.sampled_from(list(_activities(found["activities"]))), max_size=2)):
        match draw(st.sampled_from(["name", "message", "options", "limit"])):
            case "name" if one["id"] not in ("start", "end"):
                names[one["id"]] = f"{one['id']}n"
            case "message" if one["type"] == "message":
                one["name"] = draw(st.sampled_from(["go", "stop"]))
            case "options":
                for option in draw(st.lists(st.sampled_from(GONE), unique=True)):
                    one.pop(option, None)
            case "limit":
                found["concurrency"] = draw(st.integers(1, 2))
    return _renamed(found, names), names


def _activities(body: list[Made]) -> Iterator[Made]:
    for one in body:
        yield one
        for name in ("activities", "compensation"):
            yield from _activities(one.get(name, []))
        branches = one.get("branches", [])
        for branch in branches.values() if isinstance(branches, dict) else branches:
            yield from _activities(branch)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, names) for one in value]
    return names.get(value, value) if isinstance(value, str) else value
