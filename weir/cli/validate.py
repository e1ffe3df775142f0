"""``weir validate PATH…``: are these files processes?  And how commands find definition files."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from streams.core.definition import ProcessDefinition, Unheard
from streams.core.document import read_yaml
from streams.core.parse import check_definition
from streams.core.problems import Problem
from streams.core.report import Report
from streams.core.templates import KIND, Template, fill, read_template
from streams.topics import Topics, TopicsError, load_topics
from weir.cli import options
from weir.cli.errors import CliError, ExitCode
from weir.cli.output import err, print_json, print_table
from weir.cli.session import session_of
from weir.cli.watching import whenever_changed
from weir.repository.apply import too_large
from weir.testkit.case import is_test

_TEMPLATE = re.compile(rf"^kind:\s*[\"']?{KIND}\b", re.MULTILINE)
SUFFIXES = (".yaml", ".yml")
Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH...", help="YAML files, or folders of them.", show_default=False)
]


@dataclass(frozen=True, slots=True)
class Checked:
    """A file, the definition in it unless that is wrong, and what there is to say, each with its place and the fix."""

    file: Path
    definition: ProcessDefinition | None = None
    text: str = ""
    template: Template | None = None
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        known = self.definition
        return {
            "file": str(self.file),
            "ok": not self.problems,
            "kind": "process" if self.template is None else "template",
            "id": known.id if known else None,
            "version": known.version if known else None,
            "problems": self.problems,
            "warnings": self.warnings,
        }


def definition_files(paths: list[Path]) -> list[Path]:
    """The YAML files among ``paths`` and in the folders among them, sorted, without the tests.  Raises ``CliError``."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
            if not inside:
                raise CliError(f"Expected .yaml files in {path}, but there are none.", reason="no_files")
            found.extend(inside)
        elif path.is_file():
            found.append(path)
        else:
            raise CliError(f"{path}: there is no such file or folder.", reason="no_files", code=ExitCode.USAGE)
    definitions = [file for file in dict.fromkeys(found) if not is_test(file.name)]
    if found and not definitions:
        raise CliError("Expected definitions, but there are only tests: `weir test` runs them.", reason="no_files")
    return definitions


def check_file(file: Path, topics: Topics) -> Checked:
    """Read and check one definition."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return Checked(file, problems=[f"{file}: Expected a text file in UTF-8, but got: {error}"])
    if _TEMPLATE.search(text):
        return _check_template(text, file)
    definition, found = check_definition(text, str(file))
    problems = [str(one) for one in found if one.severity == "error"]
    warnings = [str(one) for one in found if one.severity == "warning"]
    unheard = definition.unheard(topics.telemetry, topics.mqtt_routes) if definition else None
    problems += [] if unheard is None else [str(_placed(unheard, text, file))]
    if definition is not None and (large := too_large(definition)) is not None:
        problems.append(f"{file}: {large}. A subprocess is a definition of its own")
    return Checked(file, definition, text, None, problems, warnings)


def _placed(unheard: Unheard, text: str, file: Path) -> Problem:
    """Where the topic stands first; a definition that was read is YAML."""
    document = read_yaml(text)
    report = Report(str(file), document.data, document)
    named = (steps for steps in document.values if steps[-1:] == ("topic",) and document.at(steps) == unheard.topic)
    report.add(next(named, ()), unheard.message, unheard.fix)
    return report.problems[0]


def _check_template(text: str, file: Path) -> Checked:
    """A template is right when its example is."""
    template, found = read_template(text, str(file))
    if template is not None:
        found = [*found, *fill(template, template.example()).check()[1]]

    def of(severity: str) -> list[str]:
        return [str(one) for one in found if one.severity == severity]

    return Checked(file, None, text, template, of("error"), of("warning"))


def validate(
    ctx: typer.Context,
    paths: Paths,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again whenever a file changes.")] = False,
    json: options.Json = False,
) -> None:
    """Check process definitions. Every problem names file, line, column and the fix. Needs nothing to run."""
    if not watch:
        if any(one.problems for one in _look(ctx, paths, as_json=json)):
            raise typer.Exit(ExitCode.FAILED)
        return
    topics_file = session_of(ctx).settings.topics_file
    definition_files(paths)  # what is not there from the start is a mistake on the command line

    def files() -> list[Path]:
        try:
            return [*definition_files(paths), topics_file]
        except CliError:  # `look` tells
            return [topics_file]

    def look() -> None:
        try:
            _look(ctx, paths, as_json=json)
        except (CliError, TopicsError) as error:
            err().print(str(error), markup=False)
        err().print(f"{datetime.now(UTC).astimezone():%H:%M:%S}  watching; Ctrl-C ends", markup=False)

    whenever_changed([*paths, topics_file], files, look)


def _look(ctx: typer.Context, paths: list[Path], *, as_json: bool) -> list[Checked]:
    topics = load_topics(session_of(ctx).settings)
    checked = [check_file(file, topics) for file in definition_files(paths)]
    if as_json:
        print_json([one.document() for one in checked])
        return checked
    rows = [
        (one.file, one.definition.id, one.definition.version, "valid")
        if one.definition and not one.problems
        else (one.file, one.template and one.template.head.id, None, "template" if not one.problems else "invalid")
        for one in checked
    ]
    print_table(("file", "id", "version", ""), rows, "")
    print_problems(checked)
    return checked


def print_problems(checked: list[Checked]) -> None:
    """Every problem and warning on stderr."""
    for one in checked:
        for problem in one.problems + one.warnings:
            err().print(problem, markup=False)
