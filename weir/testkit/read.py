"""From a file to tests that can run, or to all its problems at once, each with its place and the fix.

text ─ document ─► JSON with positions ─ models ─► suite ─ its definitions ─ names ─► loaded
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from streams.core.definition import ProcessDefinition
from streams.core.document import Document, Steps, TextError, read_yaml, unfit_values
from streams.core.parse import check_definition
from streams.core.report import Report, show
from streams.core.suggest import suggest
from streams.topics import Topics
from weir.testkit.case import SUFFIXES, Case, Done, Expected, Input, Suite, When
from weir.testkit.names import check_names
from weir.testkit.steps import COMMANDS, Step, fields_of, wrong

_PARTS: Mapping[str, type[BaseModel]] = {"input": Input, "expect": Expected, "effects": Done}
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(slots=True)
class Loaded:
    """A file of tests; with ``problems`` there is nothing to run.  ``document`` says where things stand in it."""

    file: Path
    problems: list[str]
    document: Document = field(default_factory=lambda: Document([""]))
    cases: tuple[Case, ...] = ()
    definitions: list[ProcessDefinition] = field(default_factory=list)


def load(file: Path, topics: Topics) -> Loaded:
    """Read a file of tests, and the definitions that they are about."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return Loaded(file, [f"{file}: Expected a text file in UTF-8, but got: {error}"])
    try:
        document = read_yaml(text)
    except TextError as error:
        report = Report(str(file), None, Document(text.splitlines() or [""]))
        report.add_at(error.mark, (), str(error), error.fix)
        return Loaded(file, [str(one) for one in report.sorted()])
    report = Report(str(file), document.data, document)
    for steps, mark in document.repeated:
        report.add_at(mark, steps, f"The key {str(steps[-1])!r} is there twice", "Remove one of them")
    for steps, message in unfit_values(document.data):
        report.add(steps, message)
    suite = None if report.problems else _suite(document.data, report)
    definitions, broken = _definitions(file, document.data, report)
    if suite is not None and definitions and not broken:
        check_names(suite.tests, definitions, topics.telemetry, report)
    problems = [*(str(one) for one in report.sorted()), *broken]
    return Loaded(file, problems, document, () if suite is None else suite.tests, definitions)


def _suite(data: Any, report: Report) -> Suite | None:
    if not isinstance(data, dict):
        report.add((), "Expected tests, with 'tests:'", "See definitions/temperature-control.test.yaml")
        return None
    content, cases = dict(data), data.get("tests")
    if isinstance(cases, list):
        read = [_case(one, ("tests", at), report) for at, one in enumerate(cases)]
        content["tests"] = tuple(one for one in read if one is not None)
        if cases and not content["tests"]:
            return None
    suite = _model(Suite, content, (), report)
    return None if report.problems else suite


def _case(data: Any, place: Steps, report: Report) -> Case | None:
    if not isinstance(data, dict):
        report.add(place, f"Expected a mapping, but got {show(data)}")
        return None
    content = dict(data)
    for name in ("do", *_PARTS):
        if not isinstance(items := data.get(name), list):
            if name in data:
                report.add((*place, name), f"Expected a list, but got {show(items)}", "Begin each with '- '")
                return None
            continue
        places = [(*place, name, at) for at in range(len(items))]
        if name == "do":
            read: list[Any] = [_step(one, at, report) for one, at in zip(items, places, strict=True)]
        else:
            read = [_model(_PARTS[name], one, at, report) for one, at in zip(items, places, strict=True)]
        if None in read:
            return None
        content[name] = tuple(read)
    return _model(Case, content, place, report)


def _step(data: Any, place: Steps, report: Report) -> Step | None:
    if not isinstance(data, dict):
        report.add(place, f"Expected a command such as 'signal: {{name: go}}', but got {show(data)}")
        return None
    named = [name for name in data if name not in {"at", "refused"}]
    if unknown := [name for name in named if name not in COMMANDS]:
        report.add(
            (*place, unknown[0]), f"Unknown command {unknown[0]!r}", suggest(unknown[0], COMMANDS, "command"), key=True
        )
        return None
    if len(named) != 1:
        report.add(place, f"Expected one command, but got {len(named)}", "Begin each with '- '")
        return None
    (kind,), fields = named, data[named[0]]
    if not isinstance(fields, dict):
        report.add((*place, kind), f"Expected a mapping, but got {show(fields)}")
        return None
    when = _model(When, {name: data[name] for name in ("at", "refused") if name in data}, place, report)
    return None if when is None else _fitting(Step(when.at, kind, fields, when.refused), (*place, kind), report)


def _fitting(step: Step, place: Steps, report: Report) -> Step | None:
    known = fields_of(step.type)
    for name in step.fields:
        if name not in known:
            report.add((*place, name), f"Unknown field {name!r}", suggest(name, known, "field"), key=True)
            return None
    if (problem := wrong(step)) is not None:
        name, message = problem
        report.add((*place, name) if name else place, message)
        return None
    return step


def _model(model: type[_Model], content: Any, place: Steps, report: Report) -> _Model | None:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        report.add_validation(lambda steps: (*place, *steps), error, model)
        return None


def _definitions(file: Path, data: Any, report: Report) -> tuple[list[ProcessDefinition], list[str]]:
    """Those that the file names, and what is wrong with them."""
    names = data.get("definitions") if isinstance(data, dict) else None
    own = _beside(file)
    if not isinstance(names, list) or not names:
        if names is None and not own.is_file():
            report.add(
                (), f"Expected a definition beside it, but there is no {own.name}", "Name them: 'definitions: [x.yaml]'"
            )
        named: Collection[Path] = [own] if names is None and own.is_file() else []
    else:
        named = []
        for at, name in enumerate(names):
            if not isinstance(name, str) or not (file.parent / name).is_file():
                report.add(("definitions", at), f"There is no file {show(name)} beside {file.name}")
            else:
                named.append(file.parent / name)
    found, problems = [], list[str]()
    for path in named:
        definition, wrongs = check_definition(path.read_text(encoding="utf-8", errors="replace"), str(path))
        problems += [str(one) for one in wrongs if one.severity == "error"]
        if definition is not None:
            found.append(definition)
    return found, problems


def _beside(file: Path) -> Path:
    """The definition of the same name."""
    suffix = next((one for one in SUFFIXES if file.name.endswith(one)), file.suffix)
    stem = file.name.removesuffix(suffix)
    names = [file.with_name(stem + end) for end in (".yaml", ".yml")]
    return next((one for one in names if one.is_file()), names[0])
