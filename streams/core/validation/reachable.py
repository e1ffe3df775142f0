"""Something leads to every activity."""

from streams.core.activities import Activity, Start
from streams.core.normalise import Body
from streams.core.report import Report
from streams.core.validation.parts import Parts


def check(parts: Parts, report: Report) -> None:
    """Over all ways from the start, and within an activity from the first of each list."""
    ways = {one.id: list(one.ways().values()) for _, one in parts.activities}
    reached: set[str] = set()
    ahead = _firsts(parts)
    while ahead:
        at = ahead.pop()
        if at in ways and at not in reached:
            reached.add(at)
            ahead += ways[at]
    for raw, activity in parts.activities:
        if activity.id not in reached and activity.type != "end":
            report.add(
                raw.steps,
                f"Nothing leads to activity {activity.id!r}",
                "Name it in a 'next' or a path, or remove it",
                severity="warning",
            )


def _firsts(parts: Parts) -> list[str]:
    first: dict[Body, Activity] = {}
    for raw, one in parts.activities:
        assert raw.body is not None
        if raw.body.owner is not None or isinstance(one, Start):
            first.setdefault(raw.body, one)
    return [one.id for one in first.values()]
