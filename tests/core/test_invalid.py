"""The corpus of definitions with a mistake: ``invalid/<the rule>.yaml``, each with what is said about it.

A file ends with its problems, each as ``# line:column path: message | fix``, warnings as ``# warning line:column …``.
A new rule of the language is a new file.
"""

import re
from pathlib import Path

import pytest

from streams.core.document import TextError, read_yaml
from streams.core.parse import check_definition
from streams.core.problems import Problem
from streams.core.report import Report
from streams.core.validation import PART_CHECKS, WHOLE_CHECKS, Check, Parts
from tests.core.conftest import editor

EDITORS_SEE = re.compile(
    r"Unknown (field|type|action) |Expected a field |Expected '[^']+'(, '[^']+')* or '[^']+', but got"
)
FILES = sorted((Path(__file__).parent / "invalid").glob("*.yaml"))


def told(problem: Problem) -> str:
    warning = "warning " * (problem.severity == "warning")
    fix = f" | {problem.fix}" * bool(problem.fix)
    return f"# {warning}{problem.line}:{problem.column} {problem.path}: {problem.message}{fix}"


def test_there_are_many() -> None:
    assert len(FILES) >= 80


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_mistake_is_told_like_this(path: Path) -> None:
    text = path.read_text()
    expected = [line for line in text.splitlines() if line.startswith("# ")]
    assert expected, "it must say what is wrong with it"
    _, problems = check_definition(text)
    assert [told(one) for one in problems] == expected


def test_every_check_finds_something_in_the_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check without a file here could say anything, or nothing."""
    found: set[str] = set()

    def watched(name: str, check: Check) -> Check:
        def run(parts: Parts, report: Report) -> None:
            before = len(report.problems)
            check(parts, report)
            if len(report.problems) > before:
                found.add(name)

        return run

    for checks in (PART_CHECKS, WHOLE_CHECKS):
        for name, check in checks.items():
            monkeypatch.setitem(checks, name, watched(name, check))
    for path in FILES:
        check_definition(path.read_text())
    assert found == {*PART_CHECKS, *WHOLE_CHECKS}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_editor_sees_what_it_can_see(path: Path) -> None:
    """Fields, types, actions, choices: by the schema alone."""
    text = path.read_text()
    _, problems = check_definition(text)
    if any(EDITORS_SEE.match(one.message) for one in problems):
        try:
            data = read_yaml(text).data
        except TextError:
            return
        assert not editor().is_valid(data)
