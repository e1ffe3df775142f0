"""Triggers agree on the mode, and read what a reading has."""

from streams.core.report import Report
from streams.core.triggers.redpanda import READING_FIELDS
from streams.core.validation.parts import Parts, report_name


def check(parts: Parts, report: Report) -> None:
    """Modes, and the names in their expressions."""
    modes = {trigger.mode for _, trigger in parts.triggers}
    if len(modes) > 1:
        report.add(
            parts.triggers[-1][0].place(("mode",)),
            "Expected the same 'mode' in all triggers, but got single and parallel",
            "A process is either: one running instance a key, or any number",
        )
    for raw, trigger in parts.triggers:
        for place, expression in trigger.reads():
            for name in sorted(expression.names - set(READING_FIELDS)):
                fix = f"Write fields.{name} or tags.{name}"
                message = f"Unknown name {name!r}: a reading has {', '.join(READING_FIELDS)}"
                report_name(raw, place, name, message, fix, report)
