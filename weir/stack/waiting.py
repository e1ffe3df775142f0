"""How long a command waits for a process that starts: for a time, which begins anew whenever it gets further."""

import time

from streams.ready import Reached
from weir.stack.checks import NotReadyError, reading
from weir.stack.progress import Progress


class Waiting:
    """For one process, from now on; ``progress`` is told what it does."""

    def __init__(self, name: str, timeout_s: float, progress: Progress) -> None:
        self._name, self._timeout_s, self._progress = name, timeout_s, progress
        self._reached: Reached | None = None
        self._until = time.monotonic() + timeout_s
        progress(f"waiting for {name}", None)

    def is_over(self, error: Exception) -> bool:
        """Whether it has stood still for too long; ``error`` is what its check raised just now."""
        reached = error.reached if isinstance(error, NotReadyError) else None
        if reached is not None and reached != self._reached:
            self._reached = reached
            self._until = time.monotonic() + self._timeout_s
            self._progress(f"{self._name}: {reading(reached)}", reached.share)
        return time.monotonic() > self._until

    @property
    def limit(self) -> str:
        """For how long, in words."""
        return f"{self._timeout_s:.0f} s" + (" of its last progress" if self._reached else "")
