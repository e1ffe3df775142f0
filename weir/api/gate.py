"""Backpressure: while the processor is too far behind, starts and signals are refused with 503 and Retry-After.

Nothing that was taken is ever dropped; so nothing is taken that would only make the queue longer.  The lag is asked for
once a second; between two answers what this gateway has sent itself is added.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog

from streams.lag import Lag
from streams.monitoring import Sample
from streams.settings import Settings
from streams.topics import Topics
from weir.api.problems import ProblemError, unavailable
from weir.lag import Behind, Lags

POLL_S = 1.0
ALL_STAGES_S = 15.0
STALE_S = 10.0
"""A lag older than this is not known any more: Kafka does not answer."""
LEAST_RETRY_S, MOST_RETRY_S = 1, 30

log = structlog.get_logger("weir.api")


class Gate:
    """``watch`` runs beside the requests; ``clock`` gives monotonic seconds."""

    def __init__(self, settings: Settings, topics: Topics, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._topics, self._clock = settings, topics, clock
        self._max_records, self._max_s = settings.api_max_lag_records, settings.api_max_lag_s
        self._lag: Lag | None = None
        self._asked_at = 0.0
        self._sent = 0
        self._behind = Behind([])

    async def look(self, ask: Callable[[], Awaitable[Lag]]) -> None:
        """Learn the processor's lag.

        What is sent while Kafka is asked may be in the answer or not; it counts until the next one, twice perhaps: a
        gate that has closed does not open for what its own answer has overlooked.
        """
        before = self._sent
        lag = await ask()
        self._lag, self._asked_at, self._sent = lag, self._clock(), self._sent - before

    def sent(self, count: int = 1) -> None:
        """So many more commands are in Kafka."""
        self._sent += count

    def closed(self, share: float = 1.0) -> ProblemError | None:
        """What to answer instead of taking a command; ``None`` while there is room, in that share of the limits."""
        if self._lag is None or self._clock() - self._asked_at > STALE_S:
            return unavailable(
                "kafka_unreachable", f"Kafka at {self._settings.brokers} does not answer", "Try again.", LEAST_RETRY_S
            )
        records, seconds = self._lag.records + self._sent, self._lag.seconds
        if records <= self._max_records * share and (seconds is None or seconds <= self._max_s * share):
            return None
        age = "" if seconds is None else f", the oldest for {seconds:.0f} s"
        wait_s = min(MOST_RETRY_S, max(LEAST_RETRY_S, math.ceil((seconds or 0.0) / 2)))
        return unavailable(
            "overloaded",
            f"{records} commands wait for the processor{age}. Nothing was taken",
            "Send it again after Retry-After seconds. If this stays, start more processors; `weir status` tells.",
            wait_s,
        )

    def check(self) -> str | None:
        """For ``/health``: a gate that is closed for overload works as it should."""
        refusal = self.closed()
        return refusal.detail if refusal is not None and refusal.kind != "overloaded" else None

    def samples(self) -> list[Sample]:
        """Of all stages, also those of roles that are stopped and cannot tell themselves."""
        found = []
        for stage in self._behind.stages:
            labels = (stage.stage, stage.topic)
            if stage.records is not None:
                found.append(Sample("weir_stage_lag_records", stage.records, labels))
            if stage.seconds is not None:
                found.append(Sample("weir_stage_lag_seconds", stage.seconds, labels))
            if stage.margin_s is not None:
                found.append(Sample("weir_retention_margin_seconds", stage.margin_s, (stage.topic,)))
        return found

    async def watch(self) -> NoReturn:
        """Ask again and again, whatever happens to Kafka."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._again_and_again(self._look_at_commands, POLL_S))
            group.create_task(self._again_and_again(self._look_at_all, ALL_STAGES_S))
        raise AssertionError("both go on for ever")

    async def _again_and_again(self, look: Callable[[Lags], Awaitable[None]], every_s: float) -> NoReturn:
        while True:
            try:
                async with Lags(self._settings, self._topics) as lags:
                    while True:
                        await look(lags)
                        await asyncio.sleep(every_s)
            except Exception as error:  # noqa: BLE001  whatever it is, the gate is told by the lag's age, and asks again
                log.warning("cannot tell the lag", error=f"{type(error).__name__}: {error}", again_in_s=every_s)
            await asyncio.sleep(every_s)

    async def _look_at_commands(self, lags: Lags) -> None:
        await self.look(lags.commands)

    async def _look_at_all(self, lags: Lags) -> None:
        self._behind = await lags.behind()
        for warning in self._behind.warnings:
            log.warning("retention", problem=warning)
