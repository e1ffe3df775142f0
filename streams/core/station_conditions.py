"""Conditions of the station's form, which are JSON, as expressions.

    "fields.lat > 48"                                                    an expression, as it is
    {"field": "severity", "operator": "in", "value": ["error"]}          a comparison; without 'operator': equals
    {"all": […]}   {"any": […]}   {"not": …}                             also and, or; also {"operator": "AND",
    […]                                                                  "conditions": […]}; a list is all of them

A field is ``tags.x``, ``fields.x``, or just its name: ids and the like are tags, everything else is a field.  An event
that lacks it does not meet the comparison.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from streams.core.document import Steps
from streams.core.suggest import suggest

TAGS = frozenset(
    {
        "event", "event_id", "user_id", "zone_id", "group_id", "alert_id", "alert_key", "severity", "message_id",
        "channel", "bot_id", "trigger", "change", "device_id",
    }
)  # fmt: skip
MAX_DEPTH = 10
_PATH = re.compile(r"(?:(tags|fields)\.)?([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)", re.ASCII)

OPERATORS: dict[str, str] = {
    "equals": "{0} == {1}", "not_equals": "{0} != {1}",
    "greater": "{0} > {1}", "less": "{0} < {1}", "at_least": "{0} >= {1}", "at_most": "{0} <= {1}",
    "in": "{0} in {1}", "not_in": "!({0} in {1})",
    "contains": "{1} in {0}", "has_text": "{0}.contains({1})", "starts_with": "{0}.startsWith({1})",
    "ends_with": "{0}.endsWith({1})", "matches": "{0}.matches({1})", "exists": "true",
}  # fmt: skip
"""As expressions: ``{0}`` is the field, ``{1}`` the value."""
OTHER_NAMES: dict[str, str] = {
    "=": "equals", "==": "equals", "eq": "equals", "!=": "not_equals", "ne": "not_equals", ">": "greater",
    "gt": "greater", "<": "less", "lt": "less", ">=": "at_least", "gte": "at_least", "<=": "at_most",
    "lte": "at_most", "regex": "matches",
}  # fmt: skip
JOINS: dict[str, str] = {"all": " && ", "and": " && ", "any": " || ", "or": " || "}


class FormError(ValueError):
    """What a part of the form cannot be; ``steps`` lead there."""

    def __init__(self, steps: Steps, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.steps, self.fix = steps, fix


def condition_of(given: Any, steps: Steps, root: str = "") -> str | None:
    """The expression, ``None`` for no condition.  ``root`` is what paths begin with.  Raises ``FormError``."""
    if given is None or given in ([], {}):
        return None
    return _expression(given, steps, root, 0)


def _expression(given: Any, steps: Steps, root: str, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise FormError(steps, f"Expected conditions that are nested at most {MAX_DEPTH} deep")
    if isinstance(given, str):
        return given
    if isinstance(given, list):
        return _joined(given, " && ", steps, root, depth)
    if not isinstance(given, dict):
        raise FormError(steps, f"Expected a condition, but got {given!r:.80}", 'Write {"field": …, "value": …}')
    names = {str(name).lower(): name for name in given}
    for name, sign in JOINS.items():
        if name in names:
            _only(given, {names[name]}, steps)
            return _joined(given[names[name]], sign, (*steps, names[name]), root, depth)
    if "not" in names:
        _only(given, {names["not"]}, steps)
        return f"!({_expression(given[names['not']], (*steps, names['not']), root, depth + 1)})"
    if "conditions" in given:
        _only(given, {"conditions", "operator"}, steps)
        operator = str(given.get("operator", "and")).lower()
        if operator not in JOINS:
            raise FormError((*steps, "operator"), f"Expected AND or OR, but got {given.get('operator')!r:.80}")
        return _joined(given["conditions"], JOINS[operator], (*steps, "conditions"), root, depth)
    return _comparison(given, steps, root)


def _joined(given: Any, sign: str, steps: Steps, root: str, depth: int) -> str:
    if not isinstance(given, list) or not given:
        raise FormError(steps, f"Expected a list of conditions, but got {given!r:.80}")
    return sign.join(f"({_expression(one, (*steps, at), root, depth + 1)})" for at, one in enumerate(given))


def _comparison(given: Mapping[str, Any], steps: Steps, root: str) -> str:
    _only(given, {"field", "operator", "value"}, steps)
    if "field" not in given:
        raise FormError(steps, "Expected 'field' in the condition, but it is missing", "Or 'all', 'any' with a list")
    path = path_of(given["field"], (*steps, "field"), root)
    named = str(given.get("operator", "equals")).lower()
    operator = OTHER_NAMES.get(named, named)
    if operator not in OPERATORS:
        fix = suggest(named, OPERATORS, "operator")
        raise FormError((*steps, "operator"), f"Unknown operator {given['operator']!r:.80}", fix)
    if ("value" in given) is (operator == "exists"):
        wanted = "no 'value'" if operator == "exists" else "'value' in the condition, but it is missing"
        raise FormError(steps, f"Expected {wanted}")
    if operator in ("in", "not_in") and not isinstance(given["value"], list):
        raise FormError((*steps, "value"), f"Expected a list beside {named!r}, but got {given['value']!r:.80}")
    value = json.dumps(given.get("value"), ensure_ascii=False)
    if operator == "contains" and not path.endswith(".groups"):
        operator = "has_text"
    return f"has({path}) && {OPERATORS[operator].format(path, value)}"


def path_of(field: Any, steps: Steps, root: str) -> str:
    """Where an event has the field.  Raises ``FormError``."""
    match = _PATH.fullmatch(field) if isinstance(field, str) else None
    if match is None:
        raise FormError(steps, f"Expected the name of a field, but got {field!r:.80}", "Write tags.x or fields.x")
    part = match[1] or ("tags" if match[2] in TAGS else "fields")
    return f"{root}{part}.{match[2]}"


def _only(given: Mapping[str, Any], allowed: set[Any], steps: Steps) -> None:
    for name in given:
        if name not in allowed:
            fix = suggest(str(name), sorted(map(str, allowed)), "field")
            raise FormError((*steps, name), f"Unknown field {name!r} of a condition", fix)
