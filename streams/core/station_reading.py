"""Conditions of the station's form, read back from the expressions that ``station_conditions`` makes of them.

A form is shown as it was made: ``has(fields.lat) && fields.lat > 48`` is ``{"field": "fields.lat", "operator":
"greater", "value": 48}``.  An expression that no form makes is shown as it is.
"""

import json
import re
from typing import Any

from streams.core.station_conditions import MAX_DEPTH, OPERATORS, FormError, condition_of

_HAS = re.compile(r"has\(([\w.]+)\) && (.*)", re.DOTALL)
_JOINS = {" && ": "all", " || ": "any"}
_SPACE = 4
"""Characters of a join."""
_FORMS = {name: form.split("{1}") for name, form in OPERATORS.items()}
"""What stands before and behind the value."""


def conditions_from(expression: str | None, root: str = "") -> Any:
    """What ``condition_of`` makes ``expression`` of, with the same ``root``; ``expression`` where there is nothing."""
    if expression is None:
        return None
    found = _read(expression, root, 0)
    try:
        return found if condition_of(found, (), root) == expression else expression
    except FormError:
        return expression


def _read(text: str, root: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        return text
    if text.startswith("!(") and _end(text, 1) == len(text):
        return {"not": _read(text[2:-1], root, depth + 1)}
    return _joined(text, root, depth) if text.startswith("(") else _comparison(text, root)


def _comparison(text: str, root: str) -> Any:
    match = _HAS.fullmatch(text)
    if match is None or not match[1].startswith(root):
        return text
    field = {"field": match[1].removeprefix(root)}
    if match[2] == "true":
        return {**field, "operator": "exists"}
    for name, parts in _FORMS.items():
        before, _, behind = (part.format(match[1]) for part in (parts[0], "", parts[-1]))
        if match[2].startswith(before) and match[2].endswith(behind):
            written = match[2][len(before) : len(match[2]) - len(behind)]
            try:
                found = {**field, "operator": name, "value": json.loads(written)}
                if condition_of(found, (), root) == text:
                    return found
            except (ValueError, FormError):
                continue
    return text


def _joined(text: str, root: str, depth: int) -> Any:
    """``(…) && (…)``: a list of conditions, of which all or any are to hold."""
    found, at = [], 0
    signs: set[str] = set()
    while True:
        end = _end(text, at)
        if end is None:
            return text
        found.append(_read(text[at + 1 : end - 1], root, depth + 1))
        if end == len(text):
            return {_JOINS[signs.pop()] if signs else "all": found}
        signs.add(text[end : end + _SPACE])
        at = end + _SPACE
        if len(signs) > 1 or not signs <= _JOINS.keys() or text[at : at + 1] != "(":
            return text


def _end(text: str, at: int) -> int | None:
    """Behind the parenthesis that closes the one at ``at``; those within texts do not count."""
    depth, quote = 0, ""
    while at < len(text):
        sign = text[at]
        if quote:
            at += sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        else:
            depth += (sign == "(") - (sign == ")")
        at += 1
        if not depth and not quote:
            return at
    return None
