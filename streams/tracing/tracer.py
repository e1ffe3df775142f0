"""What a role that is traced has: the ratio, a clock, and where its spans go."""

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from streams.refused import RefusedError
from streams.settings import Settings
from streams.tracing.span import Span


class Exporter(Protocol):
    """Takes finished spans; drops them rather than wait."""

    def export(self, spans: Iterable[Span]) -> None:
        """Take these."""

    async def stop(self) -> None:
        """Send what is left, within seconds."""


class MemoryExporter:
    """Keeps them, for tests."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def export(self, spans: Iterable[Span]) -> None:
        self.spans += spans

    async def stop(self) -> None:
        """Nothing is left to send."""


class Tracer:
    """``ratio`` of the traces that begin here are sampled; ``now_ns`` is wall time in Unix nanoseconds."""

    def __init__(self, exporter: Exporter, ratio: float = 1.0, now_ns: Callable[[], int] = time.time_ns) -> None:
        self.ratio, self.now_ns = ratio, now_ns
        self._exporter = exporter

    def export(self, spans: Iterable[Span]) -> None:
        """Give away spans whose work counts."""
        self._exporter.export(spans)

    async def stop(self) -> None:
        """When the role ends."""
        await self._exporter.stop()


def make_tracer(settings: Settings, role: str) -> Tracer | None:
    """What the settings ask for; ``None`` without an endpoint.  Raises ``RefusedError`` when the extra is missing."""
    if settings.traces_endpoint is None:
        return None
    try:
        from streams.tracing.otlp import OtlpExporter  # noqa: PLC0415  only who is traced pays for it
    except ModuleNotFoundError as error:
        raise RefusedError(
            f"Expected OpenTelemetry for WEIR_TRACES_ENDPOINT, but {error.name} is not installed: install weir[traces] "
            "(`uv sync --extra traces`)"
        ) from error
    return Tracer(OtlpExporter(settings.traces_endpoint, role, settings.app_id), settings.traces_ratio)
