"""A role's process: start the app, wait for a signal or a crash, drain, leave.

Exit codes: 0 after SIGTERM or SIGINT, 70 when the process must be restarted (see ``fatal.py``).  Faust's own worker is
not used: it parses the command line, redirects stdout, prints banners, and takes two seconds longer to end.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys

import faust

from streams import ready
from streams.transport import preflight
from streams.transport.fatal import exit_process, logger

STOP_TIMEOUT_S = 20.0
"""More than the drain timeout: beyond it something hangs, and the process leaves all the same."""
NOISY = ("faust", "mode", "aiokafka", "streams.transport.recovery")


def run(app: faust.App, *, log_level: str = "INFO") -> None:
    """Run ``app`` until SIGTERM or SIGINT; returns after a clean stop, and ends the process with code 70 otherwise."""
    if not logging.getLogger().handlers:
        logging.basicConfig(stream=sys.stderr, level=log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    level = logging.INFO if logging.getLevelName(log_level) <= logging.DEBUG else logging.WARNING
    for name in NOISY:
        logging.getLogger(name).setLevel(level)
    asyncio.run(_serve(app))
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()


async def _serve(app: faust.App) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app.loop = loop
    app.in_worker = True
    running = asyncio.create_task(_run(app), name="app")
    stopping = asyncio.create_task(stop.wait(), name="signal")
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        error = app.crash_reason or (running.exception() if not running.cancelled() else None)
        exit_process(f"app {app.conf.id} ended by itself", error)
    logger.info("stopping %s", app.conf.id)
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await app.stop()
    except TimeoutError:
        exit_process(f"app {app.conf.id} did not stop within {STOP_TIMEOUT_S} s")
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def _run(app: faust.App) -> None:
    """Returns or raises only when the app crashed: a stop is asked for by ``_serve``."""
    await preflight.check(app.tx)
    await app.start()
    logger.info("started %s, process %d", app.conf.id, os.getpid())
    ready.announce()
    await app.wait_until_stopped()
