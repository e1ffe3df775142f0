"""The log of a role, on stderr: a line an event, with time, level and what it is about; for people, or as JSON.

As JSON each line is an object with ``timestamp``, ``level``, ``event``, ``role``, and what the event is about:
``instance``, ``definition``, ``partition`` …; libraries' lines too, with ``logger``.  A traceback is one text, in
``exception``: without local variables, which may hold passwords.
"""

import logging
import sys
from collections.abc import Sequence
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from streams.settings import Settings


def log_to_stderr(settings: Settings, role: str) -> None:
    """Set up this process's log."""
    if settings.log_format == "json":
        rendering = _json(role)
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_foreign(role))
        logging.basicConfig(handlers=[handler], level=settings.log_level)
    else:
        rendering = [console_renderer()]
    level = logging.getLevelNamesMapping()[settings.log_level]
    configure(level, structlog.processors.TimeStamper(fmt="iso", utc=True), rendering, cache=True)


def configure(level: int, stamp: Processor, rendering: Sequence[Processor], *, cache: bool) -> None:
    """Have structlog print what is at least of ``level`` to stderr.  ``cache``: loggers keep this for ever."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            stamp,
            *rendering,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=cache,
    )


def console_renderer() -> structlog.dev.ConsoleRenderer:
    """Tracebacks as Python prints them: those of rich show local variables, and with them passwords."""
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)


def _json(role: str) -> list[Processor]:
    def of_role(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event.setdefault("role", role)
        return event

    return [of_role, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_dumps)]


def _foreign(role: str) -> logging.Formatter:
    """For lines of the standard library's logging."""
    *before, renderer = _json(role)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *before, renderer],
    )


def _dumps(event: EventDict, **_: Any) -> str:
    """What JSON does not know is written as text: a log line must not fail."""
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
