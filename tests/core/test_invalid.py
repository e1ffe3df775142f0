"""The corpus of definitions with a mistake: ``invalid/<the rule>.yaml``, each with what is said about it.

A file ends with its problems, each as ``# line:column path: message | fix``, warnings as ``# warning line:column …``.
A new rule of the language is a new file.
"""

from pathlib import Path

import pytest

from streams.core.parse import check_definition
from streams.core.problems import Problem

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
