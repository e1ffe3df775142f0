"""Options that any activity may have, and those of the process."""

from collections.abc import Callable
from typing import Any

from tests.core.language.activities import retry
from tests.core.language.making import CONDITIONS, DURATIONS, Making

ERRORS = ("mqtt", "timeout", "expression", "default")
TIMED = frozenset({"timer", "message", "compensate", "user_task", "subprocess"})
"""Kinds whose time passes, and is limited by ``timeout``."""
WITH_OUTPUT = frozenset({"service", "message", "user_task", "subprocess"})
Made = dict[str, Any]


def condition(at: Making, _kind: str) -> Made:
    return {"condition": at.one(CONDITIONS)}


def following(at: Making, _kind: str) -> Made:
    return {"next": at.way()}


def timeout(at: Making, kind: str) -> Made:
    return {"timeout": at.one(DURATIONS)} if kind in TIMED else {}


def on_timeout(at: Making, kind: str) -> Made:
    return {"timeout": "3m", "on_timeout": at.way()} if kind in TIMED else {}


def again(at: Making, kind: str) -> Made:
    return {"retry": retry(at)} if kind == "service" else {}


def on_error(at: Making, _kind: str) -> Made:
    if at.maybe():
        return {"on_error": at.way()}
    return {"on_error": {error: at.way() for error in at.some(ERRORS) or ["default"]}}


def compensation(at: Making, _kind: str) -> Made:
    if not at.may_nest:
        return {}
    return {"compensation": at.within()}


def output(at: Making, kind: str) -> Made:
    return {"output": at.output()} if kind in WITH_OUTPUT else {}


OPTIONS: dict[str, Callable[[Making, str], Made]] = {
    "condition": condition,
    "next": following,
    "timeout": timeout,
    "on_timeout": on_timeout,
    "retry": again,
    "on_error": on_error,
    "compensation": compensation,
    "output": output,
}
"""By name: (place, kind of activity) → fields, none where the kind does not have it.  A decision has on_error only."""

PROCESS_OPTIONS: dict[str, Callable[[Making], Any]] = {
    "timeout": lambda at: at.one(["2h", "1d"]),
    "max_steps": lambda at: at.one([3, 20, 200]),
    "concurrency": lambda at: at.number(1, 2),
    "on_failure": lambda at: at.one(["fail", "incident"]),
    "on_resume": lambda at: at.one(["fire", "shift"]),
    "category": lambda _: "heating",
    "labels": lambda _: {"site": "north"},
    "description": lambda _: "Made",
    "reference": lambda at: at.one(["plain", "x is ${x}", "${1 / x} of ${items}"]),
}
