"""Something leads to every activity."""

from streams.core.activities import Start
from streams.core.report import Report
from streams.core.validation.parts import Parts


def check(parts: Parts, report: Report) -> None:
    """Over all ways from the start."""
    ways = {one.id: [target for target in one.targets().values() if target] for _, one in parts.activities}
    reached: set[str] = set()
    ahead = [one.id for _, one in parts.activities if isinstance(one, Start)]
    while ahead:
        at = ahead.pop()
        if at not in reached:
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
