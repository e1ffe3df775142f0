"""The form in which a station's people make a process, as a definition.

    {name, description, labels, triggers: [{trigger_type, trigger_config, conditions, priority, is_active}],
     actions: [{action_type, action_config, conditions, action_order, timeout_seconds, retry_count}]}

The actions are performed one after the other, by ``action_order``; one whose conditions do not hold is skipped.  What
set the process off is the variable ``trigger``: the event with its ``tags`` and ``fields``, or what a manual start
brings; so texts may say ``${trigger.fields.user_name}``.  Each event starts an instance of its own.
"""

from collections.abc import Mapping
from typing import Any

from streams.core.actions import ACTIONS
from streams.core.actions import ALIASES as ACTION_ALIASES
from streams.core.definition import ProcessDefinition
from streams.core.document import Steps
from streams.core.parse import validate_definition
from streams.core.problems import DefinitionError, Problem
from streams.core.station_conditions import FormError, condition_of
from streams.core.suggest import suggest
from streams.core.triggers import ALIASES, TRIGGERS, ReadingTrigger
from streams.core.triggers.station import STATION_TRIGGERS

FILE = "<form>"
FORM = ("name", "description", "labels", "triggers", "actions")
TRIGGER = ("trigger_type", "trigger_config", "conditions", "priority", "is_active")
ACTION = ("action_type", "action_config", "conditions", "action_order", "timeout_seconds", "retry_count")
IDS = frozenset({"id", "process_id", "created_at"})
"""What the parts of a form that was read have besides: nothing to the definition."""
VARIABLE = "trigger"
MAX_TIMEOUT_S = 86_400
MAX_RETRIES = 100
DEFAULT_TIMEOUT_S = 30
SCHEDULE_NAMES = {"cron_expression": "cron", "schedule": "cron", "interval": "every", "timezone": "time_zone"}
"""Other names in the ``trigger_config`` of a ``time_schedule``."""


def form_definition(form: Any, definition_id: str, version: int = 1) -> ProcessDefinition:
    """The definition that ``form`` stands for.

    Raises ``DefinitionError``; its problems' paths are those of the form: ``actions[0].action_config.title``.
    """
    problems: list[Problem] = []
    data = _definition(form, definition_id, version, problems)
    if problems:
        raise DefinitionError(problems)
    try:
        return validate_definition(data, FILE)
    except DefinitionError as error:
        raise DefinitionError([_back(problem, data) for problem in error.problems]) from None


def _definition(form: Any, definition_id: str, version: int, problems: list[Problem]) -> dict[str, Any]:
    if not isinstance(form, dict):
        problems.append(_problem((), f"Expected an object with name, triggers and actions, but got {form!r:.80}"))
        return {}
    _known(form, FORM, (), problems)
    if form.get("name") is None:
        problems.append(_problem(("name",), "Expected a name, but it is missing"))
    triggers = [
        made
        for at, one in enumerate(_list(form, "triggers", problems))
        if (made := _tried(_trigger, one, ("triggers", at), problems)) is not None
    ]
    told = any(one["type"] != "api" for one in triggers)
    numbered = list(enumerate(_list(form, "actions", problems)))
    actions = [(at, made) for at, one in numbered if (made := _tried(_action, one, ("actions", at), problems))]
    actions.sort(key=lambda one: one[1].pop("order"))
    return {
        "id": definition_id,
        "version": version,
        "name": form.get("name"),
        **{name: form[name] for name in ("description", "labels") if form.get(name) is not None},
        "triggers": triggers or [{"type": "api", "mode": "parallel"}],
        "variables": [{"name": VARIABLE, "default": {}, **({"source": "$", "live": False} if told else {})}],
        "activities": [{"id": f"action_{at + 1}", "type": "service", **made} for at, made in actions],
    }


def _tried(make: Any, given: Any, steps: Steps, problems: list[Problem]) -> dict[str, Any] | None:
    """``None`` for a part that has a problem."""
    try:
        if not isinstance(given, dict):
            raise FormError(steps, f"Expected an object, but got {given!r:.80}")
        made: dict[str, Any] = make(given, steps, problems)
    except FormError as error:
        problems.append(_problem(error.steps, str(error), error.fix))
        return None
    return made


def _trigger(given: Mapping[str, Any], steps: Steps, problems: list[Problem]) -> dict[str, Any]:
    _known(given, TRIGGER, steps, problems)
    kind = given.get("trigger_type")
    kind = ALIASES.get(kind, kind) if isinstance(kind, str) else kind
    if kind not in TRIGGERS:
        fix = suggest(str(kind), [*STATION_TRIGGERS, "time_schedule", "manual"], "trigger_type")
        raise FormError((*steps, "trigger_type"), f"Unknown trigger_type {given.get('trigger_type')!r:.80}", fix)
    config = _object(given, "trigger_config", steps)
    made: dict[str, Any] = {"type": kind, "mode": "parallel"}
    if given.get("is_active", True) in (False, 0):
        made["enabled"] = False
    if kind in STATION_TRIGGERS:
        made["config"] = _ids_as_texts(config)
    elif kind == "timer":
        made |= {SCHEDULE_NAMES.get(name, name): value for name, value in config.items()}
    else:
        made |= config
    condition = condition_of(given.get("conditions"), (*steps, "conditions"))
    priority = _number(given, "priority", 0, (-1000, 1000), steps)
    if issubclass(TRIGGERS[kind], ReadingTrigger):
        made |= ({} if condition is None else {"condition": condition}) | ({"priority": priority} if priority else {})
        return made
    for name, value in (("conditions", condition), ("priority", priority or None)):
        if value is not None:
            told = given["trigger_type"]
            raise FormError((*steps, name), f"Expected no {name} of {told!r}, which takes none", "Leave it out")
    return made


def _action(given: Mapping[str, Any], steps: Steps, problems: list[Problem]) -> dict[str, Any]:
    _known(given, ACTION, steps, problems)
    action = given.get("action_type")
    if not isinstance(action, str) or (action not in ACTIONS and action not in ACTION_ALIASES):
        fix = suggest(str(action), [*ACTIONS, *ACTION_ALIASES], "action_type")
        raise FormError((*steps, "action_type"), f"Unknown action_type {action!r:.80}", fix)
    timeout = _number(given, "timeout_seconds", DEFAULT_TIMEOUT_S, (1, MAX_TIMEOUT_S), steps)
    retries = _number(given, "retry_count", 0, (0, MAX_RETRIES), steps)
    condition = condition_of(given.get("conditions"), (*steps, "conditions"), f"{VARIABLE}.")
    made = {
        "action": action,
        "config": _ids_as_texts(_object(given, "action_config", steps)),
        "timeout": f"{timeout}s",
        "retry": {"max_attempts": retries + 1},
        "order": _number(given, "action_order", int(steps[1]), (-(2**31), 2**31 - 1), steps),
    }
    return made if condition is None else {**made, "condition": condition}


def _ids_as_texts(config: Mapping[str, Any]) -> dict[str, Any]:
    """Ids are texts here, whatever they were: ``zone_id: 5`` is ``"5"``."""

    def text(value: Any) -> Any:
        if isinstance(value, list):
            return [text(one) for one in value]
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    return {name: text(value) if name.endswith("_id") else value for name, value in config.items()}


def _list(form: Mapping[str, Any], name: str, problems: list[Problem]) -> list[Any]:
    given = form.get(name)
    if isinstance(given, list) and (given or name == "triggers"):
        return given
    if given is not None or name == "actions":
        got = "it is missing" if given is None else f"got {given!r:.80}"
        problems.append(_problem((name,), f"Expected a list of {name}, but {got}"))
    return []


def _object(given: Mapping[str, Any], name: str, steps: Steps) -> dict[str, Any]:
    value = given.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise FormError((*steps, name), f"Expected an object as {name}, but got {value!r:.80}")
    return value


def _number(given: Mapping[str, Any], name: str, default: int, within: tuple[int, int], steps: Steps) -> int:
    value = given.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not within[0] <= value <= within[1]:
        raise FormError((*steps, name), f"Expected {within[0]} to {within[1]} as {name}, but got {value!r:.80}")
    return value


def _known(given: Mapping[str, Any], fields: tuple[str, ...], steps: Steps, problems: list[Problem]) -> None:
    unknown = [name for name in given if name not in fields and name not in IDS]
    problems += [
        _problem((*steps, name), f"Unknown field {name!r}", suggest(str(name), fields, "field")) for name in unknown
    ]


def _problem(steps: Steps, message: str, fix: str = "") -> Problem:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")
    return Problem(FILE, None, None, path, message, fix)


def _back(problem: Problem, data: Mapping[str, Any]) -> Problem:
    """The problem with the definition, where it is in the form."""
    path = problem.path
    for one in data["activities"]:
        number = int(one["id"].removeprefix("action_")) - 1
        path = path.replace(f"activities[{one['id']}]", f"actions[{number}]", 1)
    for there, here in (("].config", "].action_config"), ("].timeout", "].timeout_seconds")):
        if path.startswith("actions"):
            path = path.replace(there, here, 1)
    if path.startswith("triggers"):
        path = path.replace("].config", "].trigger_config", 1).replace("].condition", "].conditions", 1)
    elif path.startswith("actions"):
        path = path.replace("].condition", "].conditions", 1)
    return Problem(FILE, None, None, path, problem.message, problem.fix, severity=problem.severity)
