"""The way out.

A transport that cannot tell what Kafka holds must not go on: the state and the position are in the log, and a restarted
process recovers both.  So there is one exit, at once, loud, with a code that a supervisor can tell from a crash.
"""

import logging
import os
import sys
from typing import NoReturn, Protocol

from streams.refused import RefusedError

EXIT_FATAL = 70
"""``EX_SOFTWARE`` of sysexits.h: restart me."""

logger = logging.getLogger("streams.transport")


class Fatal(Protocol):
    """Ends the process, or, in a simulation, raises."""

    def __call__(self, message: str, error: BaseException | None = None) -> NoReturn: ...


def exit_process(message: str, error: BaseException | None = None) -> NoReturn:
    """Log ``message`` and leave without any cleaning up: a cleanup could still write."""
    if isinstance(error, RefusedError):  # says all there is to say
        message, error = str(error), None
    logger.critical("FATAL, exiting with code %d: %s", EXIT_FATAL, message, exc_info=error)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EXIT_FATAL)
