"""A role's process: start the app, wait for a signal or a crash, drain, leave.

SIGTERM stops a process that comes back: a static member of the group (``WEIR_MEMBER_ID``) keeps its partitions for it.
SIGINT stops one for good: its partitions go to the others at once.  Without a member id both leave the group.

Exit codes: 0 after SIGTERM or SIGINT, 70 when the process must be restarted (see ``fatal.py``).  Faust's own worker is
not used: it parses the command line, redirects stdout, prints banners, and takes two seconds longer to end.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from typing import NoReturn

import faust

from streams import ready
from streams.transport import logs, preflight
from streams.transport.fatal import exit_process, logger

STOP_TIMEOUT_S = 4.0
"""More than ``shutdown_timeout_s`` and leaving the group take: beyond it something hangs, a broker that is away say."""
STARTING_STOP_TIMEOUT_S = 2.0
"""The same for an app that has not started yet."""
THREAD_TIMEOUT_S = 1.0
PROGRESS_S = 1.0


def run(app: faust.App, *, log_level: str = "INFO") -> None:
    """Run ``app`` until SIGTERM or SIGINT; returns after a clean stop, and ends the process with code 70 otherwise."""
    logs.configure(log_level)
    asyncio.run(_serve(app))
    _leave_no_thread()


def _leave_no_thread() -> None:
    """Faust's consumer thread outlives an app that was stopped while it started, and would keep the process alive."""
    threads = [t for t in threading.enumerate() if t is not threading.main_thread() and not t.daemon]
    for thread in threads:
        thread.join(THREAD_TIMEOUT_S)
    if any(thread.is_alive() for thread in threads):
        _leave()


def _leave() -> NoReturn:
    """Exit code 0 without waiting for anything else: what is still under way is as safe as after a crash."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def _serve(app: faust.App) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def stop_for_good() -> None:
        app.tx.ends_for_good = True
        stop.set()

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop_for_good)
    app.loop = loop
    app.in_worker = True
    started = asyncio.Event()
    running = asyncio.create_task(_run(app, started), name="app")
    stopping = asyncio.create_task(stop.wait(), name="signal")
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        error = app.crash_reason or (running.exception() if not running.cancelled() else None)
        exit_process(f"app {app.conf.id} ended by itself", error)
    logger.info("stopping %s", app.conf.id)
    await _stop(app, started=started.is_set())
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def _stop(app: faust.App, *, started: bool) -> None:
    """Stop the app.  One that is still starting may hang in its stop, and has nothing to finish."""
    lanes = app.tx.consumer is not None and bool(app.tx.consumer.lanes)
    limit = STOP_TIMEOUT_S if started or lanes else STARTING_STOP_TIMEOUT_S
    stopped, _ = await asyncio.wait({asyncio.create_task(app.stop(), name="stop")}, timeout=limit)
    if not stopped:  # not a timeout by cancellation: Faust's services swallow that
        logger.warning("app %s did not stop within %s s, leaving as it is", app.conf.id, limit)
        _leave()


async def _tell_progress(app: faust.App) -> None:
    """Until the app has started: whoever waits for it goes on waiting while its recovery gets further."""
    while True:
        await asyncio.sleep(PROGRESS_S)
        if (reached := app.tables.recovery.reached()) is not None:
            ready.recovering(reached)


async def _run(app: faust.App, started: asyncio.Event) -> None:
    """Returns or raises only when the app crashed: a stop is asked for by ``_serve``."""
    await preflight.check(app.tx)
    telling = asyncio.create_task(_tell_progress(app), name="progress")
    try:
        await app.start()
    finally:
        telling.cancel()
    if app.should_stop:  # start returns also when the app crashed, or was told to stop meanwhile
        return
    started.set()
    gc.freeze()  # what is there stays: going over it again and again would cost a tenth of the CPU under load
    logger.info("started %s, process %d", app.conf.id, os.getpid())
    ready.announce()
    await app.wait_until_stopped()
