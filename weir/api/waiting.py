"""How long a request waits: ``?wait=completed&timeout=10s``, and ``?wait=10`` of tasks, which means the outcome.

wait=<seconds>   until the command has been decided, at most so long
wait=outcome     the same, at most ``timeout``
wait=completed   until the instance has ended, in whichever way, at most ``timeout``
"""

import re
from typing import Annotated, Literal, NamedTuple

from fastapi import Query

from streams.core.durations import parse_duration_ms
from weir.api.problems import ProblemError

MAX_WAIT_S = 60.0
DEFAULT_S = 10.0
_NUMBER = re.compile(r"\d{1,6}(\.\d{1,6})?")

WaitText = Annotated[
    str | None,
    Query(
        max_length=20,
        description="`outcome`: answer when the command has been decided; `completed`: when the instance has ended; a "
        f"number: the outcome, at most so many seconds. At most {MAX_WAIT_S:g} s.",
        examples=["completed", "10"],
    ),
]
TimeoutText = Annotated[
    str | None, Query(max_length=20, description=f"How long to wait, {DEFAULT_S:g} s by default.", examples=["10s"])
]
WaitForText = Annotated[
    str | None,
    Query(max_length=20, description="How long to wait for an instance that has just been started, 2 s by default."),
]


class Wait(NamedTuple):
    """What to wait for, and how many seconds at most."""

    until: Literal["nothing", "outcome", "completed"]
    seconds: float


def wait_of(wait: str | None, timeout: str | None = None) -> Wait:
    """What a request asks for.  Raises ``ProblemError`` (422)."""
    if wait is None:
        return Wait("nothing", 0.0)
    if _NUMBER.fullmatch(wait):
        seconds = _checked(float(wait), "query.wait")
        return Wait("outcome" if seconds else "nothing", seconds)
    if wait not in ("outcome", "completed"):
        raise _wrong("query.wait", f"Expected outcome, completed or a number of seconds, but got {wait!r}")
    return Wait("outcome" if wait == "outcome" else "completed", seconds_of(timeout, DEFAULT_S))


def seconds_of(text: str | None, default: float, field: str = "query.timeout") -> float:
    """A duration such as ``10s``, ``500ms`` or ``2.5``, in seconds.  Raises ``ProblemError`` (422)."""
    if text is None:
        return default
    if _NUMBER.fullmatch(text):
        return _checked(float(text), field)
    try:
        return _checked(parse_duration_ms(text) / 1000, field)
    except ValueError as error:
        raise _wrong(field, str(error)) from None


def _checked(seconds: float, field: str) -> float:
    if not 0 <= seconds <= MAX_WAIT_S:
        raise _wrong(field, f"Expected at most {MAX_WAIT_S:g} s, but got {seconds:g} s")
    return seconds


def _wrong(field: str, message: str) -> ProblemError:
    return ProblemError(422, "invalid_request", message, "Correct the value.", errors=[(field, message)])
