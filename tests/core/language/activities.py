"""Activities: for each kind its own fields.  ``options`` has those of all of them."""

from collections.abc import Callable
from typing import Any

from tests.core.language.actions import CONFIGS
from tests.core.language.making import CONDITIONS, DURATIONS, JSONS, LISTS, NUMBERS, PATHS, TEXTS, Making

MESSAGES = ("go", "stop")
USERS = ("anna", "ben", "eva")
GROUPS = ("day", "night")
Made = dict[str, Any]


def decision(at: Making) -> Made:
    if at.maybe():
        return {"condition": at.one(CONDITIONS), "true_path": at.way(), "false_path": at.way()}
    cases = [{"when": when, "next": at.way()} for when in at.some(CONDITIONS) or ["x > 1"]]
    return {"cases": cases, "default": at.way()}


def service(at: Making) -> Made:
    action = at.one(list(CONFIGS))
    made: Made = {"action": action, **CONFIGS[action](at)}
    if at.maybe():
        made["retry"] = retry(at)
    if at.maybe():
        made["timeout"] = at.one(DURATIONS)
    return made | ({"output": at.output()} if at.maybe() else {})


def retry(at: Making) -> Any:
    steady = {"max_attempts": at.number(1, 4), "initial_interval": at.one(DURATIONS), "backoff": 1.5, "jitter": 0.0}
    return at.one(["none", 2, steady, {"non_retryable": ["mqtt"], "max_interval": "3s"}])


def timer(at: Making) -> Made:
    until = {"until": at.one(["22:00", "2013-12-11T06:00", "${text}"]), "time_zone": at.one(["UTC", "Europe/Berlin"])}
    return at.one([{"duration": at.one([*DURATIONS, "${minutes}m", "${x}s"])}, until])


def message(at: Making) -> Made:
    made: Made = {"name": at.one(MESSAGES), "output": {"x": "x"}}
    return made | ({"correlation": at.one(["text", "'k' + text", "x"])} if at.maybe() else {})


def parallel(at: Making) -> Made:
    branches = [at.within() for _ in range(at.number(1, 3))]
    join = at.one(["all", "any", at.number(1, len(branches))])
    named = at.maybe()
    return {"branches": {f"b{n}": one for n, one in enumerate(branches)} if named else branches, "join": join}


def foreach(at: Making) -> Made:
    made: Made = {"items": at.one(LISTS), "activities": at.within(), "concurrency": at.number(1, 3)}
    if at.maybe():
        made |= {"as": "x", "index": "n"}
    return made | ({"collect": "made", "output": "rows"} if at.maybe() else {})


def compensate(at: Making) -> Made:
    return {"activity": at.one(at.undoable)} if at.undoable and at.maybe() else {}


def rules(at: Making) -> Made:
    policy = at.one(["unique", "first", "any", "priority", "collect"])
    made: Made = {"hit_policy": policy, "rules": _rules(at, 2 if policy == "unique" else 3)}
    if policy == "priority":
        made["outputs"] = {"made": {"values": [1, 2, 3]}}
    elif at.maybe() and policy != "collect":
        made["default"] = {"made": 0}
    if policy == "collect":
        made["output"] = "made"
        made |= at.one([{}, {"aggregation": at.one(["sum", "min", "max", "count"])}])
    return made | ({"inputs": {"x": at.one(NUMBERS)}} if at.maybe() else {})


def _rules(at: Making, most: int) -> list[Made]:
    tests = ["> 2", "<= 2", "[0..1]", "1, 2", "-", "not(1)", "x > n"]
    one = [{"when": {"x": cell}, "then": {"made": at.number(1, 3)}} for cell in at.some(tests, most)]
    return one or [{"when": {"text": '"a"'}, "then": {"made": 1}}]


def transform(at: Making) -> Made:
    every: Made = {"items": at.one(LISTS), "value": at.one(["${item}", {"v": "${item + n}"}])}
    if at.maybe():
        every["where"] = "item > 1"
    return {"set": {at.one(["x", "made", "text"]): at.one(JSONS)}, "map": {"rows": every}}


def user_task(at: Making) -> Made:
    made: Made = {"title": at.one(TEXTS), "priority": at.one([10, "${n}"])}
    if at.maybe():
        made |= {"due": at.one(["1h", "${minutes}m"]), "reminders": {"before_due": "30m", "every": "45m", "max": 2}}
    if at.maybe():
        made["form"] = {"properties": {"n": {"type": "integer"}}, "required": ["n"]}
    if at.maybe():
        made |= {"approvers": at.one([["anna", "ben"], ["${text}"], "${rows}"]), "join": at.one(["all", "any", 1])}
        levels: list[Made] = [{"after": "10m", "priority": 99}]
    else:
        made |= {"candidates": {"users": at.some(USERS), "groups": at.some(GROUPS)}, "queue": at.one(TEXTS)}
        made |= at.one([{}, {"assignee": at.one([*USERS, "${text}"])}, {"outcomes": ["approved", "rejected"]}])
        levels = [{"after": "10m", "to": at.one(["eva", {"group": "night"}, {"users": ["${text}"]}])}]
    if at.maybe():
        made["escalation"] = levels
    if at.maybe():
        made["notify"] = {"channel": "alert", "message": at.one(TEXTS)}
    return made | {"output": {"made": at.one(["$", "answers.n", "outcome"])}}


def subprocess(at: Making) -> Made:
    made: Made = {"process": at.one(["child", "child", "nobody"]), "input": {"x": at.one(JSONS)}, "wait": at.maybe()}
    if at.maybe():
        made["key"] = at.one(TEXTS)
    if at.maybe():
        made["version"] = at.number(1, 2)
    return made | ({"output": {"made": at.one(PATHS)}} if at.maybe() else {})


ACTIVITIES: dict[str, Callable[[Making], Made]] = {
    "decision": decision,
    "service": service,
    "timer": timer,
    "message": message,
    "parallel": parallel,
    "foreach": foreach,
    "compensate": compensate,
    "rules": rules,
    "transform": transform,
    "user_task": user_task,
    "subprocess": subprocess,
}
"""All but ``start`` and ``end``, which stand at the top level only: ``definitions``."""
NESTS = frozenset({"parallel", "foreach"})
