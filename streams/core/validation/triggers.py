"""Triggers agree on the mode, and read what a reading has."""

from streams.core.report import Report
from streams.core.triggers import TimerTrigger
from streams.core.triggers.redpanda import READING_FIELDS
from streams.core.validation.parts import Parts, report_name


def check(parts: Parts, report: Report) -> None:
    """Modes, and the names in their expressions."""
    for field in ("mode", "max"):
        values = list(dict.fromkeys(getattr(trigger, field) for _, trigger in parts.triggers))
        if len(values) > 1:
            given = " and ".join("none" if one is None else str(one) for one in values)
            report.add(
                parts.triggers[-1][0].place((field,)),
                f"Expected the same {field!r} in all triggers, but got {given}",
                "It holds for the process: what becomes of a start while an instance of the key runs",
            )
    for raw, trigger in parts.triggers:
        if isinstance(trigger, TimerTrigger) and trigger.catch_up == "all" and trigger.mode in ("single", "restart"):
            report.add(
                raw.place(("catch_up",)),
                f"All moments that were missed come at once, and with 'mode: {trigger.mode}' one of them counts",
                "Write 'mode: queued' or 'mode: parallel', or 'catch_up: last'",
                severity="warning",
            )
        for place, expression in trigger.reads():
            for name in sorted(expression.names - set(READING_FIELDS)):
                fix = f"Write fields.{name} or tags.{name}"
                message = f"Unknown name {name!r}: a reading has {', '.join(READING_FIELDS)}"
                report_name(raw, (place, expression), name, message, fix, report)
