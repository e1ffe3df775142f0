"""The Faust app of a role: one app and one process a role, all made here."""

from collections.abc import Awaitable, Callable
from typing import Any

import faust

from streams import transport
from streams.kafka import client_options
from streams.monitoring import Monitor
from streams.monitoring.transport import TransportMonitor
from streams.monitoring.web import MonitorPages
from streams.settings import Settings
from streams.topics import Topics, group_of
from streams.tracing.tracer import Tracer

Hook = Callable[[], Awaitable[None]]
OF_DATABASE = {"batch_timeout_s": 7 * 86_400.0, "start_timeout_s": 180.0}
"""Options of the transport for a role whose positions are in the database.  A batch waits for one that is away; a start
does, too, with that as its excuse: one that answers nothing is known to be away after a minute.
"""


class RoleApp(faust.App):  # type: ignore[misc]
    """A Faust app that starts something of its role's own before the first batch, and stops it after the last."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.companions: list[tuple[Hook, Hook | None]] = []
        self.watched: Monitor
        """What ``/health`` and ``/metrics`` tell; set by ``make_app``, added to by the role."""

    def accompany(self, start: Hook, stop: Hook | None = None) -> None:
        """Have ``start`` awaited before the app consumes anything, and ``stop`` when it has ceased to."""
        self.companions.append((start, stop))

    def traced_by(self, tracer: Tracer | None) -> None:
        """Have its last spans sent when the app has ceased to consume."""
        if tracer is not None:
            self.accompany(_nothing, tracer.stop)

    async def on_first_start(self) -> None:
        """Faust would make its data directories here; our tables live in memory and in Kafka."""
        for start, _ in self.companions:
            await start()

    async def on_stop(self) -> None:
        """Called when the app stops."""
        await super().on_stop()
        for _, stop in reversed(self.companions):
            if stop is not None:
                await stop()


async def _nothing() -> None:
    """What needs no start."""


def make_app(settings: Settings, role: str, topics: Topics, **options: Any) -> tuple[RoleApp, transport.Transport]:
    """An app for ``role`` with the transport installed; its consumer group is ``group_of(settings, role)``.

    ``options`` are those of ``transport.TransportOptions`` that the role wants otherwise.
    """
    app = RoleApp(
        group_of(settings, role),
        topic_partitions=topics.partitions,
        **transport.app_settings(session_timeout_s=settings.session_timeout_s, member_id=settings.member_id),
    )
    limits = {topic.name: topic.config.get("max.message.bytes") for topic in topics.all()}
    tx = transport.install(
        app,
        transport.TransportOptions(
            client=client_options(settings),
            fetch_wait_ms=settings.fetch_wait_ms,
            topic_max_record_bytes={name: int(limit) for name, limit in limits.items() if limit is not None},
            **options,
        ),
    )
    _monitor(app, tx, settings, role)
    return app, tx


def _monitor(app: RoleApp, tx: transport.Transport, settings: Settings, role: str) -> None:
    """First of the companions, so that a role that waits for another one's start says so."""
    app.watched = Monitor(role, settings)
    of_transport = TransportMonitor(tx)
    app.watched.sample(of_transport.samples)
    app.watched.check(of_transport.check)
    pages = MonitorPages(settings, app.watched)
    app.accompany(pages.start, pages.stop)
