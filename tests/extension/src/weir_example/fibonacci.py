"""Retry policy ``fibonacci``: 1, 1, 2, 3, 5 … seconds, each up to half a second later; full mailboxes get an hour."""

HOUR_MS = 3_600_000


def pause_ms(attempt: int, error_type: str, chance: int) -> int | None:
    """Milliseconds until the next attempt; ``None`` after the twentieth."""
    if error_type == "mail_later":
        return HOUR_MS
    if attempt > 20:
        return None
    before, pause = 0, 1
    for _ in range(attempt - 1):
        before, pause = pause, before + pause
    return pause * 1000 + chance % 500
