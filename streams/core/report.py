"""Collects the problems of one definition, each with its place in the file."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from streams.core.document import Document, Mark, Steps
from streams.core.misfit import bare
from streams.core.problems import Problem
from streams.core.suggest import closest, suggest

_SHOWN = 60
_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


@dataclass(slots=True)
class Report:
    """``document`` is the text that the definition was read from, ``None`` when it came as JSON."""

    file: str
    data: Any
    document: Document | None = None
    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        steps: Steps,
        message: str,
        fix: str = "",
        *,
        offset: int | None = None,
        key: bool = False,
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        """A problem with the value at ``steps``, or its ``key``; ``offset`` counts characters into a text."""
        mark = None if self.document is None else self.document.locate(steps, offset, key=key)
        self.add_at(mark, steps, message, fix, severity)

    def add_at(
        self,
        mark: Mark | None,
        steps: Steps,
        message: str,
        fix: str,
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        """A problem at a place of the text."""
        path = self._path(steps)
        if mark is None or self.document is None:
            problem = Problem(self.file, None, None, path, message, fix, "", severity)
        else:
            text = self.document.lines[min(mark.line, len(self.document.lines) - 1)]
            problem = Problem(self.file, mark.line + 1, mark.column + 1, path, message, fix, text, severity)
        self.problems.append(problem)

    def sorted(self) -> list[Problem]:
        """All problems, in the order of the file."""
        return sorted(self.problems, key=lambda one: (one.line or 0, one.column or 0))

    def add_validation(self, place: Callable[[Steps], Steps], error: ValidationError, model: type[BaseModel]) -> None:
        """The errors of ``model``; ``place`` tells where the field at some steps within it stands."""
        details = error.errors(include_url=False)
        places = [detail["loc"] for detail in details]
        for detail in details:
            at = detail["loc"]
            # A list counts its right elements only; those that are wrong tell so themselves.
            if detail["type"] != "too_short" or not any(one[: len(at)] == at != one for one in places):
                self._add_detail(place, detail, model)

    def _add_detail(self, place: Callable[[Steps], Steps], detail: ErrorDetails, model: type[BaseModel]) -> None:
        inner = tuple(step for step in detail["loc"] if step != "[key]")
        at = place(inner)
        got, context, kind = detail["input"], detail.get("ctx", {}), detail["type"]
        match kind:
            case "missing":
                self.add(place(inner[:-1]), f"Expected a field {at[-1]!r}, but it is missing", f"Add '{at[-1]}:'")
            case "extra_forbidden":
                self.add(
                    at, f"Unknown field {at[-1]!r}", suggest(str(at[-1]), _fields(model, inner), "field"), key=True
                )
            case "literal_error":
                fix = closest(got, _choices(context["expected"])) if isinstance(got, str) else ""
                self.add(at, f"Expected {context['expected']}, but got {show(got)}", fix)
            case "string_pattern_mismatch":
                self.add(at, f"Expected {_pattern(context['pattern'])}, but got {show(got)}")
            case "string_too_long":
                self.add(at, f"Expected at most {context['max_length']} characters, but got {len(got)}")
            case "string_too_short":
                self.add(at, "Expected a text, but it is empty")
            case "too_short":
                least = context["min_length"]
                empty = "Expected at least one element, but the list is empty"
                self.add(at, empty if least == 1 else f"Expected at least {least} elements, but got {len(got)}")
            case "greater_than_equal" | "less_than_equal":
                bound = f"from {context['ge']} up" if "ge" in context else f"up to {context['le']}"
                self.add(at, f"Expected a number {bound}, but got {show(got)}")
            case _ if kind in _WANTED:
                quote = kind == "string_type" and not isinstance(got, dict | list | None)
                self.add(at, f"Expected {_WANTED[kind]}, but got {show(got)}", "Put it in quotes" if quote else "")
            case _:
                at = (*at, *context.get("place", ()), *([context["field"]] if "field" in context else []))
                self.add(at, bare(detail["msg"]), str(context.get("fix", "")), offset=context.get("offset"))

    def _path(self, steps: Steps) -> str:
        text, value = "", self.data
        for step in steps:
            value = _child(value, step)
            name = next(
                (value[n] for n in ("id", "name") if isinstance(value, dict) and isinstance(value.get(n), str)), step
            )
            text += f"[{name}]" if isinstance(step, int) else f".{step}"
        return text.removeprefix(".")


def _fields(model: type[BaseModel], inner: Steps) -> list[str]:
    """The fields that may stand beside the one at ``inner``; those of a config may stand beside it too."""
    names = _names(model)
    for step in inner[:-1]:
        field = model.model_fields.get(str(step))  # none for the place in a list, or the key of a mapping
        if field is not None and (below := _model_in(field.annotation)) is not None:
            model = below
            names = [*_names(model), *(names if step == "config" else ())]
    return names


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model of a field, or of the elements that it holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model_in(one)) is not None), None)


def _child(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None


def show(value: Any) -> str:
    """``value`` in a message."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _choices(expected: str) -> list[str]:
    return [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]


def _pattern(pattern: str) -> str:
    if pattern.startswith("^[A-Za-z_]"):
        return "a name of letters, digits and '_' that does not begin with a digit, at most 100"
    if "{1,249}" in pattern:
        return "a topic's name of letters, digits, '.', '_' and '-', at most 249"
    return "letters, digits, '.', '_' and '-' that begin with a letter or digit, at most 100"
