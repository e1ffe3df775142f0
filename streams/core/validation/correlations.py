"""A key that is put together is written as an expression: ``boiler-${boiler}`` would be a difference."""

import re

from streams.core.activities.message import Message
from streams.core.report import Report
from streams.core.validation.parts import Parts

_VALUE = re.compile(r"\$\{([^{}]*)\}")
_AROUND = re.compile(r"[^\s\"'+()\[.][^\s\"'+()]*")


def check(parts: Parts, report: Report) -> None:
    """A key is no number that is calculated, hence what looks like a text is meant as one; a warning, all the same."""
    for raw, activity in parts.activities:
        if isinstance(activity, Message) and isinstance(text := raw.content.get("correlation"), str):
            *pieces, last = _VALUE.split(text)
            around = [one for one in (*pieces[::2], last) if one]
            if pieces and around and all(map(_AROUND.fullmatch, around)):
                fix = f"Write '{_joined([*pieces, last])}'"
                message = f"{text!r} is no text, but an expression"
                report.add(raw.place(("correlation",)), message, fix, severity="warning")


def _joined(pieces: list[str]) -> str:
    """``pieces`` are texts and, between them, expressions."""
    written = [f"string({one})" if at % 2 else f'"{one}"' for at, one in enumerate(pieces) if one]
    return " + ".join(written)
