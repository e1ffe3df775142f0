"""What is meant as an expression is written as one: under ``set`` of a ``transform`` a text is a text."""

from streams.core.activities.transform import Transform
from streams.core.expressions import ExpressionSyntaxError, compile_expression
from streams.core.report import Report
from streams.core.validation.parts import Parts


def check(parts: Parts, report: Report) -> None:
    """A text may say the same by chance, hence a warning; a single word may be meant as it is."""
    names = parts.names()
    assert names is not None, "the whole is looked at when its parts could be read"
    for raw, activity in parts.activities:
        if isinstance(activity, Transform):
            for name, value in activity.set.items():
                if isinstance(value, str) and _calculates(value, names.seen_by(raw)):
                    message = f"{value!r} is a text here, and is not evaluated"
                    fix = f'Write "${{{value}}}", if it is an expression'
                    report.add(raw.place(("set", name)), message, fix, severity="warning")


def _calculates(text: str, known: frozenset[str]) -> bool:
    """Is it an expression, of more than a name, and of variables that there are?"""
    if "${" in text or text.isidentifier():
        return False
    try:
        read = compile_expression(text).names
    except ExpressionSyntaxError:
        return False
    return bool(read) and read <= known
