"""No time is longer than what it is part of: the process's timeout, or that of an activity around it."""

from streams.core.activities import Activity, Continuing, Timer
from streams.core.normalise import Raw
from streams.core.report import Report
from streams.core.scalars import duration_text
from streams.core.validation.parts import Parts


def check(parts: Parts, report: Report) -> None:
    """A longer timeout never fires, a longer timer is never over."""
    models = dict(parts.activities)
    for raw, activity in parts.activities:
        assert raw.body is not None
        around = [models[owner] for _, owner in raw.body.owners() if owner in models]
        limits = [(f"activity {one.id!r}", one.limit()) for one in around if isinstance(one, Continuing)]
        limits.append(("the process", parts.timeout_ms))
        for whose, limit in limits:
            if limit is not None:
                _compare(raw, activity, whose, limit, report)


def _compare(raw: Raw, activity: Activity, whose: str, limit: int, report: Report) -> None:
    if isinstance(activity, Continuing) and (own := activity.limit()) is not None and own > limit:
        message = f"The timeout of {activity.id!r} never fires: {whose} ends after {duration_text(limit)}"
        _tell(raw, "timeout", message, report)
    if isinstance(activity, Timer) and (takes := activity.fixed_ms()) is not None and takes > limit:
        message = f"The timer {activity.id!r} is never over: {whose} ends after {duration_text(limit)}"
        _tell(raw, "duration", message, report)


def _tell(raw: Raw, field: str, message: str, report: Report) -> None:
    fix = "Write a shorter one, or a longer timeout around it"
    report.add((*raw.steps, field), message, fix, severity="warning")
