"""The samples and checks of one role.

monitor.sample(lambda: [Sample("weir_bridge_under_way", 3)])
monitor.check(lambda: None if connected else "not connected to the MQTT broker")
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from streams import ready
from streams.monitoring.exposition import Sample, expose
from streams.settings import Settings

Sampler = Callable[[], Iterable[Sample]]
Check = Callable[[], str | None]
"""``None`` when all is well, else a reason for people.  Asked at any time, as often as somebody likes."""


def plant_of(settings: Settings) -> str:
    """Which plant a process belongs to: two on one machine may have the same application id, on different brokers."""
    return f"{settings.app_id}@{settings.brokers}"


class Monitor:
    """Of the process that is ``role`` with these settings."""

    def __init__(self, role: str, settings: Settings) -> None:
        self.role, self._app, self._plant = role, settings.app_id, plant_of(settings)
        self._began = time.monotonic()
        self._samplers: list[Sampler] = [self._own]
        self._checks: list[Check] = []

    def sample(self, sampler: Sampler) -> None:
        """Have ``sampler`` asked at each scrape."""
        self._samplers.append(sampler)

    def check(self, check: Check) -> None:
        """Have ``check`` asked whenever somebody wants to know whether the role works."""
        self._checks.append(check)

    def reasons(self) -> list[str]:
        """Why the role does not work; none when it does."""
        return [reason for check in self._checks if (reason := check()) is not None]

    def health(self) -> dict[str, Any]:
        """The document of ``/health``."""
        reasons = self.reasons()
        return {
            "status": "failing" if reasons else "ok",
            "role": self.role,
            "plant": self._plant,
            "pid": os.getpid(),
            "uptime_s": round(time.monotonic() - self._began, 1),
            "reasons": reasons,
        }

    def samples(self) -> Iterator[Sample]:
        """All of them, now."""
        for sampler in self._samplers:
            yield from sampler()

    def page(self) -> bytes:
        """The page of ``/metrics``."""
        return expose(self.samples())

    def _own(self) -> list[Sample]:
        restarts, last_end = ready.restarts()
        return [
            Sample("weir_role_info", 1, (self.role, self._app)),
            Sample("weir_role_up", not self.reasons()),
            Sample("weir_role_restarts_total", restarts, (last_end,)),
        ]
