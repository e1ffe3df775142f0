"""Definitions in which much waits: few expressions, and nothing that is over as soon as it has begun."""

import itertools
from typing import Any

from hypothesis import strategies as st

Made = dict[str, Any]
MESSAGES = ("go", "stop")
KINDS = ("message", "message", "service", "subprocess", "timer", "compensate", "user_task")
NESTS = ("parallel", "foreach")
MOST_DEPTH = 2
NAMES = ("n", "text", "made", "rows", "a")
"""Variables that commands set."""


@st.composite
def dense(draw: st.DrawFn) -> Made:
    """One to four activities, some with others within."""
    ids = itertools.count()
    made: Made = {
        "id": "made",
        "version": 1,
        "on_failure": draw(st.sampled_from(["fail", "incident"])),
        "on_resume": draw(st.sampled_from(["fire", "shift"])),
        "variables": [{"name": "x", "value": 1}, {"name": "items", "value": [1, 2]}, *({"name": one} for one in NAMES)],
        "activities": [*_body(draw, ids, 0, 4), {"id": "end", "type": "end"}],
    }
    return made | draw(st.sampled_from([{}, {"concurrency": 1}, {"concurrency": 2}]))


def _body(draw: st.DrawFn, ids: "itertools.count[int]", depth: int, most: int = 2) -> list[Made]:
    return [_activity(draw, ids, depth) for _ in range(draw(st.integers(1, most)))]


def _activity(draw: st.DrawFn, ids: "itertools.count[int]", depth: int) -> Made:
    kind = draw(st.sampled_from(KINDS if depth == MOST_DEPTH else (*KINDS, *NESTS)))
    made: Made = {"id": f"a{next(ids)}", "type": kind}
    match kind:
        case "message":
            correlation = draw(st.sampled_from(["'a'", "'a'", "'1'"]))
            made |= {"name": draw(st.sampled_from(MESSAGES)), "correlation": correlation, "output": {"x": "x"}}
        case "service":
            retry = draw(st.sampled_from(["none", {"max_attempts": 2, "initial_interval": "1s"}]))
            made |= {"action": "mqtt_publish", "config": {"topic": "t", "payload": 1}, "retry": retry}
        case "subprocess":
            made |= {"process": "child", "input": {"x": "x"}, "wait": draw(st.sampled_from([True, True, False]))}
        case "timer":
            made["duration"] = "1m"
        case "user_task":
            made |= {"title": "t", "candidates": {"users": ["anna"]}, "escalation": [{"after": "10m", "priority": 99}]}
        case "parallel":
            branches = [_body(draw, ids, depth + 1) for _ in range(draw(st.integers(1, 3)))]
            made |= {"branches": branches, "join": draw(st.sampled_from(["all", "any"]))}
        case "foreach":
            made |= {
                "items": "items",
                "activities": _body(draw, ids, depth + 1),
                "concurrency": draw(st.integers(1, 2)),
            }
    return made | _options(draw, ids, depth, kind)


def _options(draw: st.DrawFn, ids: "itertools.count[int]", depth: int, kind: str) -> Made:
    made: Made = {}
    seldom = st.integers(0, 3).map(lambda one: one == 0)
    if draw(seldom):
        made |= {"timeout": "5m"} | ({"on_timeout": "end"} if depth == 0 and draw(seldom) else {})
    if draw(seldom) and depth < MOST_DEPTH and kind != "compensate":
        made["compensation"] = [_activity(draw, ids, MOST_DEPTH)]
    if draw(seldom) and depth == 0:
        made["on_error"] = {"default": "end"}
    return made
