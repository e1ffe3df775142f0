"""The gateway as a role: a process that serves until SIGTERM or SIGINT, and then finishes what it has begun."""

import asyncio
import gc
import ipaddress
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn
import uvloop

from streams import ready
from streams.settings import Settings
from weir.api.app import make_api

GRACE_S = 2
GROWN = 20_000
"""So many more objects than there were have the garbage collector look.  A request leaves nothing for it, but what some
hundred at once are made of is more than its own 700: it would go over all of that again and again."""
log = structlog.get_logger("weir.api")


class _Server(uvicorn.Server):
    """Told to stop by ``run``, which also says when it is ready."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn would raise the signal once more when it is done, and the process die of it."""
        yield

    async def startup(self, sockets: object = None) -> None:
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            ready.announce()


def run(settings: Settings) -> None:
    """Work until told to stop."""
    if settings.api_auth == "off":
        log.warning(
            "the gateway asks nobody who they are (WEIR_API_AUTH=off): whoever reaches it may do everything",
            only_this_machine=is_loopback(settings.api_host),
            host=settings.api_host,
            port=settings.api_port,
        )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _serve(settings: Settings) -> None:
    server = _Server(
        uvicorn.Config(
            make_api(settings),
            host=settings.api_host,
            port=settings.api_port,
            access_log=False,
            http="httptools",
            ws="none",
            log_level="warning",
            timeout_graceful_shutdown=GRACE_S,
        )
    )

    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    gc.collect()
    gc.freeze()  # routes, models and modules stay: going over them again and again costs every request
    gc.set_threshold(GROWN)
    log.info("serving", url=f"http://{settings.api_host}:{settings.api_port}")
    await server.serve()
    if not server.started:
        raise SystemExit(os.EX_SOFTWARE)
