"""The clock of a definition: every moment comes once, when it is due and in order, or is passed over by name."""

from streams.core.durations import instant_text, parse_instant_ms
from streams.core.schedule import Schedule
from weir.verify.seen import Seen

TYPES = frozenset({"schedule_fired", "schedule_skipped"})


def check(seen: Seen) -> str | None:
    """What comes is what the schedule said would come next."""
    event, before = seen.event, seen.before
    if not isinstance(before, Schedule):
        return None  # `sequence` tells
    data = event.data
    alarm = before.alarms.get(str(data["trigger"]))
    if alarm is None or alarm.nominal is None or alarm.due is None:
        return f"trigger: expected one whose moment is still to come, but the log has {event.type} of {data['trigger']}"
    came, until = parse_instant_ms(data.get("from", data["nominal"])), parse_instant_ms(data["nominal"])
    if came != alarm.nominal:
        return f"nominal: expected {instant_text(alarm.nominal)}, which is next, but the log has {instant_text(came)}"
    if seen.time_ms < alarm.due:
        return f"time: expected {instant_text(alarm.due)} or later, but the log has {instant_text(seen.time_ms)}"
    if "next" in data and not until < parse_instant_ms(data["next"]):
        return f"next: expected a moment behind {data['nominal']}, but the log has {data['next']}"
    return None
