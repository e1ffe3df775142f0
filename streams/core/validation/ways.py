"""Every way leads to an activity of the same body, and none back to the start."""

from typing import Any

from streams.core.activities import Start
from streams.core.activities.base import END_OF_BODY
from streams.core.document import Steps
from streams.core.normalise import Raw
from streams.core.report import Report
from streams.core.suggest import suggest
from streams.core.validation.parts import Parts


def check(parts: Parts, report: Report) -> None:
    """Fields such as ``next``, ``true_path`` and ``on_error``."""
    starts = {one.id: raw for raw, one in parts.activities if isinstance(one, Start)}
    for name, raw in list(starts.items())[1:]:
        report.add(raw.steps, f"Expected one activity of type start, but {name!r} is another", "Remove one of them")
    holders = _holders(parts)
    for raw, activity in parts.activities:
        for place, target in activity.ways().items():
            _check(raw, place, target, starts, holders, report)


def _check(
    raw: Raw, place: Steps, target: str, starts: dict[str, Raw], holders: dict[str, str], report: Report
) -> None:
    assert raw.body is not None
    within = raw.body.owner is not None
    if target in raw.body.ids:
        if target in starts:
            report.add(
                (*raw.steps, *_written(raw, place, report)),
                f"Nothing leads back to {target!r}",
                "Name the activity after it",
            )
    elif not within or target != END_OF_BODY:
        message, fix = f"Unknown activity {target!r}", suggest(target, sorted(raw.body.ids), "activity")
        if target in holders:
            message = f"Expected an activity of the same list, but {target!r} is {holders[target]}"
            fix = "A way does not lead into an activity that holds others, nor out of it"
            fix += ": 'end' is where it is over" if within else ""
        report.add((*raw.steps, *_written(raw, place, report)), message, fix)


def _holders(parts: Parts) -> dict[str, str]:
    """Where each activity stands, for people."""
    found = {}
    for raw, activity in parts.activities:
        owner = None if raw.body is None else raw.body.owner
        found[activity.id] = "of the process itself" if owner is None else f"within {owner.content.get('id')!r}"
    return found


def _written(raw: Raw, place: Steps, report: Report) -> Steps:
    """``place``, as far as somebody has written it: ``on_error: x`` is short for one of its forms."""
    value: Any = report.data
    try:
        for step in (*raw.steps, *place):
            value = value[step]
    except (KeyError, TypeError):
        return place[:1]
    return place
