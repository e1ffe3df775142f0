"""The models of a template, and what can be wrong with one before it has values."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from streams.core.document import Document, TextError, read_yaml
from streams.core.durations import parse_duration_ms
from streams.core.problems import Problem
from streams.core.report import Report
from streams.core.scalars import DefinitionId, Part, Text, Title, VariableName
from streams.core.suggest import suggest
from streams.core.templates.placeholders import placeholders
from streams.core.variables import fits

KIND = "template"
ParameterType = Literal["string", "number", "integer", "boolean", "object", "array", "duration"]


class Parameter(Part):
    """What an instantiation may give.  Without a ``default`` it must be given, unless ``required: false``: then it is
    null, which is nothing within a text.  ``example`` shows what is meant, and lets the template be checked.
    """

    type: ParameterType = "string"
    description: Text | None = None
    default: Annotated[Any, Field(description="Any JSON")] = None
    required: bool | None = None
    choices: Annotated[tuple[Any, ...], Field(strict=False)] = ()
    example: Annotated[Any, Field(description="Any JSON")] = None

    @property
    def needed(self) -> bool:
        """Must it be given?"""
        return self.default is None and self.required is not False

    def misfit(self, value: Any) -> str | None:
        """Why ``value`` is none of this parameter."""
        if self.choices and value not in self.choices:
            return f"Expected one of {', '.join(map(repr, self.choices))}, but got {value!r}"
        if self.type != "duration":
            return None if fits(value, self.type) else f"Expected a value of type {self.type}, but got {value!r}"
        try:
            parse_duration_ms(str(value))
        except ValueError as error:
            return str(error)
        return None


class TemplateHead(Part):
    """What a template tells of itself."""

    kind: Literal["template"]
    id: DefinitionId
    name: Title | None = None
    description: Text | None = None
    category: Title | None = None
    parameters: dict[VariableName, Parameter] = Field(default_factory=dict)
    definition: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Template:
    """``document`` is the whole file, in which problems of an instance have their places."""

    head: TemplateHead
    document: Document
    text: str
    file: str

    def example(self) -> dict[str, Any]:
        """Values for the parameters that must be given, to check the template with."""
        return {name: one.example for name, one in self.head.parameters.items() if one.needed}


def read_template(text: str, file: str = "<text>") -> tuple[Template | None, list[Problem]]:
    """The template, ``None`` when there are errors, and all problems, in the order of the file."""
    try:
        document = read_yaml(text)
    except TextError as error:
        report = Report(file, None, Document(text.splitlines() or [""]))
        report.add_at(error.mark, (), str(error), error.fix)
        return None, report.problems
    report = Report(file, document.data, document)
    for steps, mark in document.repeated:
        report.add_at(mark, steps, f"The key {str(steps[-1])!r} is there twice", "Remove one of them")
    try:
        head = TemplateHead.model_validate(document.data)
    except ValidationError as error:
        report.add_validation(lambda steps: steps, error, TemplateHead)
        return None, report.sorted()
    _check_values(head, report)
    _check_placeholders(head, report)
    wrong = any(problem.severity == "error" for problem in report.problems)
    return None if wrong else Template(head, document, text, file), report.sorted()


def _check_values(head: TemplateHead, report: Report) -> None:
    for name, parameter in head.parameters.items():
        for field in ("default", "example"):
            value = getattr(parameter, field)
            if value is not None and (why := parameter.misfit(value)):
                report.add(("parameters", name, field), why)
        if parameter.needed and parameter.example is None:
            message = f"Expected a 'default' or an 'example' for {name!r}, so that the template can be checked"
            report.add(("parameters", name), message, f"Add 'example:', a value of type {parameter.type}", key=True)


def _check_placeholders(head: TemplateHead, report: Report) -> None:
    used = set()
    for found in placeholders(head.definition):
        steps = ("definition", *found.steps)
        if found.offset < 0:
            report.add(steps, "Expected a key without {{ }}", "Placeholders stand in values only", key=True)
        elif found.name is None:
            fix = "Compute it in an expression: ${...}, or with a parameter of its own"
            report.add(steps, "Expected the name of a parameter in {{ }}", fix, offset=found.offset)
        elif found.name not in head.parameters:
            fix = suggest(found.name, head.parameters, "parameter")
            report.add(steps, f"Unknown parameter {found.name!r}", fix, offset=found.offset)
        used.add(found.name)
    for name in head.parameters:
        if name not in used:
            message = f"Nothing uses the parameter {name!r}"
            report.add(("parameters", name), message, "Remove it", key=True, severity="warning")
