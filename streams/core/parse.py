"""From text to a definition that can run, or to all its problems at once.

text ─ document ─► JSON with positions ─ normalise ─► parts in one shape ─ models ─► typed parts
typed parts ─ validation ─► definition, or problems
"""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from streams.core.activities import Activity, model_of
from streams.core.definition import Head, ProcessDefinition
from streams.core.document import Document, TextError, read_yaml, unfit_values
from streams.core.normalise import Body, Raw, normalise
from streams.core.problems import DefinitionError, Problem
from streams.core.report import Report
from streams.core.scalars import Part
from streams.core.triggers import TRIGGERS
from streams.core.validation import Parts, check
from streams.core.variables import Variable

__all__ = [
    "DefinitionError",
    "Problem",
    "check_definition",
    "check_document",
    "parse_definition",
    "validate_definition",
]

_Model = TypeVar("_Model", bound=Part)


def parse_definition(text: str, file: str = "<text>") -> ProcessDefinition:
    """The definition in ``text`` (YAML or JSON).  Raises ``DefinitionError`` with every problem and its line."""
    definition, problems = check_definition(text, file)
    if definition is None:
        raise DefinitionError(problems)
    return definition


def check_definition(text: str, file: str = "<text>") -> tuple[ProcessDefinition | None, list[Problem]]:
    """The definition, ``None`` when there are errors, and all problems, warnings too, in the order of the file."""
    try:
        document = read_yaml(text)
    except TextError as error:
        report = Report(file, None, Document(text.splitlines() or [""]))
        report.add_at(error.mark, (), str(error), error.fix)
        return None, report.problems
    return check_document(document, file)


def check_document(document: Document, file: str) -> tuple[ProcessDefinition | None, list[Problem]]:
    """As ``check_definition``, of a text that has been read."""
    report = Report(file, document.data, document)
    for steps, mark in document.repeated:
        report.add_at(mark, steps, f"The key {str(steps[-1])!r} is there twice", "Remove one of them")
    return _build(document.data, report), report.sorted()


def validate_definition(data: Any, file: str = "<definition>") -> ProcessDefinition:
    """The definition in JSON values, such as a ``deploy_definition`` command brings.  Raises ``DefinitionError``."""
    report = Report(file, data)
    definition = _build(data, report)
    if definition is None:
        raise DefinitionError(report.sorted())
    return definition


def _build(data: Any, report: Report) -> ProcessDefinition | None:
    unfit = list(unfit_values(data))
    for steps, message in unfit:
        report.add(steps, message)
    if unfit:
        return None
    if not isinstance(data, dict):
        report.add(
            (),
            "Expected a definition, with 'id:', 'trigger:' and 'activities:'",
            "See definitions/temperature-control.yaml",
        )
        return None
    raw = normalise(data, report)
    head = _model(Head, raw.head, report)
    triggers = _models(lambda part: TRIGGERS[part.content["type"]], raw.triggers, report)
    variables = _models(lambda _: Variable, raw.variables, report)
    activities: list[tuple[Raw, Activity]] = []
    own = _activities(raw.body, activities, report)
    names = {one.content["name"] for one in raw.variables if isinstance(one.content.get("name"), str)}
    readable = isinstance(data.get("variables", []), list | None)
    limit = None if head is None else head.timeout
    declared = frozenset(names) if readable else None
    told = None if head is None else (raw.head, head)
    check(Parts(triggers, variables, activities, declared, limit, told), report)
    if head is None or any(problem.severity == "error" for problem in report.problems):
        return None
    return ProcessDefinition(
        **head.model_dump(mode="json"),
        triggers=tuple(model for _, model in triggers),
        variables=tuple(model for _, model in variables),
        activities=own,
    )


def _activities(body: Body, found: list[tuple[Raw, Activity]], report: Report) -> tuple[Activity, ...]:
    """The models of a body; ``found`` gets all that fit, each with its part, and behind it those that it holds."""
    models: list[Activity] = []
    for part in body.parts:
        within: list[tuple[Raw, Activity]] = []
        for one in part.bodies:
            held = _activities(one, within, report)
            name, *key = one.place
            if key:
                part.content[str(name)][key[0]] = held
            else:
                part.content[str(name)] = held
        model = _model(model_of(part.content), part, report)
        if model is not None:
            models.append(model)
            found.append((part, model))
        found += within
    return tuple(models)


def _models(model_of: Callable[[Raw], type[_Model]], parts: list[Raw], report: Report) -> list[tuple[Raw, _Model]]:
    """Of the parts that fit their model, each with its model."""
    models = [(part, _model(model_of(part), part, report)) for part in parts]
    return [(part, model) for part, model in models if model is not None]


def _model(model: type[_Model], part: Raw, report: Report) -> _Model | None:
    try:
        return model.model_validate(part.content)
    except ValidationError as error:
        report.add_validation(part.place, error, model)
        return None
