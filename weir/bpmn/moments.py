"""Times as BPMN's timer events have them: ISO 8601."""

from datetime import datetime, time

DAY_MS = 86_400_000
_CLOCK = (("H", 3_600_000), ("M", 60_000))


def duration(ms: int) -> str:
    """``PT5M`` of milliseconds; days are the largest unit, since months and years differ in length."""
    days, rest = divmod(ms, DAY_MS)
    clock = ""
    for unit, size in _CLOCK:
        count, rest = divmod(rest, size)
        clock += f"{count}{unit}" if count else ""
    if rest:
        clock += f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "S"
    return "P" + (f"{days}D" if days else "") + (f"T{clock}" if clock else "")


def cycle(ms: int) -> str:
    """Again and again."""
    return f"R/{duration(ms)}"


def at(text: str) -> tuple[str, str]:
    """The tag and the text of a moment: a date and time is itself, a time of day the cron expression of each day.

    With seconds that has six fields, seconds first, as the engines read it that accept cron expressions here.
    """
    try:
        clock = time.fromisoformat(text)
    except ValueError:
        return "timeDate", datetime.fromisoformat(text).isoformat()
    daily = f"{clock.minute} {clock.hour} * * *"
    return "timeCycle", f"{clock.second} {daily}" if clock.second else daily
