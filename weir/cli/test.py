"""``weir test [PATH…]``: run the tests beside the definitions, on a plant in memory."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from weir.cli import options
from weir.cli.errors import CliError, ExitCode
from weir.cli.output import err, out, print_json, print_table
from weir.cli.session import Session, session_of
from weir.testkit.case import SUFFIXES, is_test
from weir.testkit.coverage import Coverage
from weir.testkit.read import Loaded, load
from weir.testkit.run import Outcome, run


@dataclass(slots=True)
class _Ran:
    """A file, and what became of its tests."""

    loaded: Loaded
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.loaded.problems and not any(one.failures for one in self.outcomes)

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        tests = [{"name": one.name, "ok": not one.failures, "failures": one.failures} for one in self.outcomes]
        return {"file": str(self.loaded.file), "ok": self.ok, "problems": self.loaded.problems, "tests": tests}


def run_tests(
    ctx: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="`*.test.yaml` files, definitions that have one beside them, or folders.  "
            "Default: the folder of the definitions.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("-k", "--name", help="Only tests with this text in their name.")] = None,
    min_coverage: Annotated[
        float, typer.Option(min=0, max=100, help="Fail when less of a definition was run, in percent.")
    ] = 0,
    json: options.Json = False,
) -> None:
    """Run the tests of process definitions. Needs nothing to run.

    A `NAME.test.yaml` stands beside its `NAME.yaml`: readings, commands and stubs in, expected paths, variables and
    actions out, under a virtual clock. `weir/testkit/case.py` shows all that it may say. Actions without a stub are
    done on fakes: nothing reaches a broker, a database or a host. Only `script` is run, in its sandbox, or, where
    WEIR_SCRIPT_SANDBOX is off and the kernel has none, without. The coverage tells which activities, and which ways out
    of them, no test has run.
    """
    session = session_of(ctx)
    if not session.debug:  # that an action failed is what a stub is for
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    ran = [_run(file, session, name) for file in files_of_tests(paths or [session.settings.definitions_path])]
    if name is not None and not any(one.outcomes or one.loaded.problems for one in ran):
        raise CliError(f"There is no test with {name!r} in its name.", reason="no_tests", code=ExitCode.USAGE)
    covered = _coverage(ran)
    short = [one for one in covered if one.percent < min_coverage]
    if json:
        print_json({"files": [one.document() for one in ran], "coverage": [_covered(one) for one in covered]})
    else:
        _print(ran, covered, min_coverage)
    if short or not all(one.ok for one in ran):
        raise typer.Exit(ExitCode.FAILED)


def files_of_tests(paths: Iterable[Path]) -> list[Path]:
    """The files of tests among ``paths``, in folders among them and beside definitions.  Raises ``CliError``."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if is_test(file.name) and file.is_file())
        elif not path.is_file():
            raise CliError(f"{path}: there is no such file or folder.", reason="no_files", code=ExitCode.USAGE)
        else:
            beside = [path] if is_test(path.name) else [path.with_name(path.stem + end) for end in SUFFIXES]
            inside = [file for file in beside if file.is_file()]
        if not inside:
            raise CliError(f"Expected a .test.yaml file in or beside {path}, but there is none.", reason="no_files")
        found += inside
    return list(dict.fromkeys(found))


def _run(file: Path, session: Session, name: str | None) -> _Ran:
    loaded = load(file, session.topics)
    ran = _Ran(loaded)
    confined = session.settings.script_sandbox == "required"
    for number, case in enumerate(loaded.cases):
        if not loaded.problems and (name is None or name.lower() in case.name.lower()):
            ran.outcomes.append(run(loaded, number, session.topics, confined=confined))
    return ran


def _coverage(ran: list[_Ran]) -> list[Coverage]:
    """Of every definition that was tested: several files may be about one."""
    found: dict[str, Coverage] = {}
    for one in ran:
        for definition in one.loaded.definitions:
            coverage = found.setdefault(definition.hash, Coverage(definition))
            for outcome in one.outcomes:
                coverage.add(outcome.events)
    return list(found.values())


def _covered(one: Coverage) -> dict[str, Any]:
    known = one.definition
    return {"id": known.id, "version": known.version, "percent": round(one.percent, 1), "missing": one.missing}


def _print(ran: list[_Ran], covered: list[Coverage], least: float) -> None:
    rows = [
        (one.loaded.file, outcome.name, "failed" if outcome.failures else "passed")
        for one in ran
        for outcome in one.outcomes
    ]
    print_table(("file", "test", ""), rows, "")
    for one in ran:
        for text in [*one.loaded.problems, *(text for outcome in one.outcomes for text in outcome.failures)]:
            err().print(text, markup=False)
    print_table(
        ("definition", "covered %", "not run"),
        [(one.definition.id, one.percent, ", ".join(one.missing)) for one in covered],
        "",
    )
    for coverage in covered:
        if coverage.percent < least:
            text = f"{coverage.definition.id}: Expected {least:g} % to be run, but it was {coverage.percent:.1f} %"
            err().print(text, markup=False)
    tests = [outcome for one in ran for outcome in one.outcomes]
    failed, broken = sum(bool(one.failures) for one in tests), sum(bool(one.loaded.problems) for one in ran)
    unread = f", {broken} file{'s' * (broken > 1)} that cannot be read" if broken else ""
    out().print(f"{len(tests) - failed} passed, {failed} failed{unread}", markup=False)
