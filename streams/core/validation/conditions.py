"""A condition may be true, and may be false."""

from streams.core.document import Steps
from streams.core.expressions import Expression, ExpressionError
from streams.core.normalise import Raw
from streams.core.report import Report
from streams.core.validation.parts import Parts, is_condition, report_text
from streams.core.validation.simple import alternatives, is_always_true


def check(parts: Parts, report: Report) -> None:
    """Of triggers and activities; as far as it is simple (``simple``)."""
    for raw, trigger in parts.triggers:
        for place, expression in trigger.reads():
            _condition(raw, place, expression, report)
    for raw, activity in parts.activities:
        for place, expression in activity.expressions():
            if is_condition(place):
                _condition(raw, place, expression, report)


def _condition(raw: Raw, place: Steps, expression: Expression, report: Report) -> None:
    text = expression.text
    if not expression.paths:
        report_text(raw, place, text, f"{text!r} {_constant(expression)}", "Compare a variable", report, "warning")
        return
    choices = alternatives(expression)
    if all(one.example() is None for one in choices):
        fix = "Did you mean '||'?" if any(one.others or one.cells for one in choices) and "&&" in text else ""
        report_text(raw, place, text, f"{text!r} is never true", fix, report, "warning")
    elif is_always_true(choices):
        report_text(raw, place, text, f"{text!r} is always true", "Did you mean '&&'?", report, "warning")


def _constant(expression: Expression) -> str:
    """What a condition that reads nothing does."""
    try:
        return f"is always {'true' if expression.test({}) else 'false'}"
    except ExpressionError as error:
        return f"always fails: {error}"
