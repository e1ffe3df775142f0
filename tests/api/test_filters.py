"""Conditions on variables, as texts of a query."""

import base64

import pytest

from weir.api import cursors
from weir.api.problems import ProblemError
from weir.api.routes.process_filters import ProcessFilter

DEEP = 1_900


def values(text: str) -> tuple[str, ...]:
    (variable,) = ProcessFilter(variable=[text], started_from="2026-01-01T00:00:00Z").filter().variables
    return variable.values


def test_a_value_may_be_meant_as_json_or_as_a_text() -> None:
    assert values("a=7") == ("7", '"7"')
    assert values('a="7"') == ('"7"', '"\\"7\\""')
    assert values("a=open") == ('"open"',)
    assert values("a=") == ('""',)


def test_a_value_that_is_too_deep_for_json_is_a_text() -> None:
    deep = "[" * DEEP
    assert values(f"a={deep}") == (f'"{deep}"',)


def test_a_cursor_that_is_too_deep_is_none() -> None:
    with pytest.raises(ProblemError):
        cursors.decode(base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("="), list)
