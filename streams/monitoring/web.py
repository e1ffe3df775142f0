"""A role's own web port: ``/health`` (200, or 503 with the reasons) and ``/metrics``.  Off without ``WEIR_WEB_PORT``.

A range of ports is for several processes with the same settings on one machine: each takes the first that is free.  A
role whose port is taken works on without the pages: who only watches must not stop a plant.
"""

import structlog
from aiohttp import web

from streams.monitoring.exposition import CONTENT_TYPE
from streams.monitoring.monitor import Monitor
from streams.settings import Settings

log = structlog.get_logger("weir.web")


class MonitorPages:
    """Serves the pages of ``monitor`` from ``start`` to ``stop``."""

    def __init__(self, settings: Settings, monitor: Monitor) -> None:
        self._monitor, self._host, self._ports = monitor, settings.web_host, settings.web_ports
        self._runner: web.AppRunner | None = None
        self.port: int | None = None
        """Where it listens; ``None`` when it does not."""

    async def start(self) -> None:
        """Listen on the first port that is free."""
        if not self._ports:
            return
        app = web.Application()
        app.add_routes([web.get("/health", self._health), web.get("/metrics", self._metrics)])
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0)
        await self._runner.setup()
        for port in self._ports:
            try:
                await web.TCPSite(self._runner, self._host, port).start()
            except OSError:
                continue
            self.port = port
            log.info("health and metrics", url=f"http://{self._host}:{port}/health")
            return
        log.error("no health and no metrics: every port of WEIR_WEB_PORT is taken", ports=str(self._ports))

    async def stop(self) -> None:
        """Close the port."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _health(self, _: web.Request) -> web.Response:
        document = self._monitor.health()
        return web.json_response(document, status=503 if document["reasons"] else 200)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._monitor.page(), headers={"Content-Type": CONTENT_TYPE})
