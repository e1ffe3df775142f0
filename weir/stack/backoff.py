"""How long a worker that ended waits for its next start.

Only an end within ``QUICK_S`` of the start counts: a worker that had been working starts again at once, however often
that happens, and so does one that fails for the first time.  One that fails again and again waits longer each time, but
is never given up: what it needs (Kafka, the database, a setting) may be back at any moment.
"""

QUICK_S = 10.0
FIRST_S = 0.5
LONGEST_S = 30.0


def in_words(wait_s: float) -> str:
    """When the next start is, in words."""
    return f"in {wait_s:g} s" if wait_s else "at once"


class Backoff:
    """Of one worker."""

    def __init__(self) -> None:
        self._quick = 0
        self._wait_s = FIRST_S

    def ended(self, lived_s: float) -> float:
        """Seconds until the next start, after an end ``lived_s`` seconds after the last one."""
        self._quick = self._quick + 1 if lived_s < QUICK_S else 0
        if self._quick <= 1:
            self._wait_s = FIRST_S
            return 0.0
        wait_s, self._wait_s = self._wait_s, min(LONGEST_S, self._wait_s * 2)
        return wait_s
