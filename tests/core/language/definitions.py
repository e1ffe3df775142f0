"""Whole definitions as JSON values; and the same with a mistake, or something that nearly is one."""

import copy
from typing import Any

from hypothesis import strategies as st

from streams.core.actions import ACTIONS
from tests.core.language.activities import ACTIVITIES, NESTS
from tests.core.language.making import ANYTHING, NAMES, VARIABLES, Making
from tests.core.language.options import OPTIONS, PROCESS_OPTIONS
from tests.core.language.triggers import WITHOUT_READINGS, mode, trigger

Made = dict[str, Any]


def body(around: Making, count: int) -> list[Made]:
    """So many activities that follow one another."""
    names = [f"a{next(around.ids)}" for _ in range(count)]
    return [_activity(around, names, at) for at in range(count)]


def _activity(around: Making, names: list[str], number: int) -> Made:
    at = Making(
        around.draw,
        around.body,
        around.ids,
        names[:number],
        names[number + 1 :],
        around.depth + 1,
        around.undoable,
    )
    kind = at.one([one for one in ACTIVITIES if at.may_nest or one not in NESTS])
    made: Made = {"id": names[number], "type": kind, **ACTIVITIES[kind](at)}
    chosen = at.some(["on_error"] if kind == "decision" else list(OPTIONS))
    for option in chosen:
        made |= OPTIONS[option](at, kind)
    if kind == "service" and ACTIONS[made["action"]].inline:
        made.pop("output", None)  # it has no result
    if "compensation" in made:
        around.undoable.append(made["id"])
    return made


@st.composite
def definitions(draw: st.DrawFn, definition_id: str = "made", version: int = 1) -> Made:
    """A definition, valid as far as its parts are; what the whole must be, some are not."""
    at = Making(draw, body, depth=-1)
    made: Made = {"id": definition_id, "version": version}
    for option in at.some(list(PROCESS_OPTIONS), 4):
        made[option] = PROCESS_OPTIONS[option](at)
    common = mode(at)
    if at.maybe():
        made["triggers"] = [trigger(at, common) for _ in range(at.number(1, 2))]
    else:
        made["trigger"] = trigger(at, common)
    made["variables"] = [dict(one) for one in VARIABLES]
    if any(one["type"] in WITHOUT_READINGS for one in made.get("triggers", [made.get("trigger")])):
        del made["variables"][0]["source"]
    made["activities"] = body(at, at.number(1, 6))
    if at.maybe():
        made["activities"].insert(0, {"id": "start", "type": "start"})
        made["activities"].append({"id": "end", "type": "end"})
    return made


@st.composite
def mistaken(draw: st.DrawFn) -> Any:
    """A definition of which one to three things have been removed, replaced, moved or written twice."""
    made = copy.deepcopy(draw(definitions()))
    for _ in range(draw(st.integers(1, 3))):
        holder, name = draw(st.sampled_from(list(_places(made)) or [(made, "id")]))
        match draw(st.sampled_from(["remove", "replace", "move", "twice", "rename"])):
            case "remove":
                del holder[name]
            case "replace":
                holder[name] = draw(st.one_of(ANYTHING, st.sampled_from(NAMES), st.sampled_from(_WRONG)))
            case "move":
                other, at = draw(st.sampled_from(list(_places(made))))
                holder[name], other[at] = copy.deepcopy(other[at]), copy.deepcopy(holder[name])
            case "twice" if isinstance(holder, list):
                holder.insert(0, copy.deepcopy(holder[name]))
            case "rename" if isinstance(holder, dict):
                holder[draw(st.sampled_from(["type", "id", "config", "next", "tpye", "1"]))] = holder[name]
    return made


_WRONG = ["${", "1 +", "x = 1", "end", "start", "a0", "5 minutes", "error", "$.", "true", "0", "-", "\u2028", "${1/0}"]


def _places(value: Any) -> list[tuple[Any, Any]]:
    """All places in JSON values: what holds, and the name or number there."""
    names = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    found: list[tuple[Any, Any]] = []
    for name in names:
        found += [(value, name), *_places(value[name])]
    return found
