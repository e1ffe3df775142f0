"""What a run of the command line is about: the home, the settings that hold for it, how to talk."""

import logging
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import typer

from streams.redaction import guard_output
from streams.settings import Settings
from weir.cli.output import err
from weir.home import DEFAULT_HOME, load_settings, load_stack_options
from weir.log_format import configure, console_renderer
from weir.settings_check import unknown

if TYPE_CHECKING:
    from streams.topics import Topics
    from weir.stack.stack import Stack


@dataclass
class Session:
    """``json``: the command was asked for JSON; ``debug``: show tracebacks and the libraries' logs; ``role``: its
    output is its log.

    What some commands need comes with its modules, when it is asked for.
    """

    home: Path = DEFAULT_HOME
    debug: bool = False
    json: bool = False
    role: bool = False

    @cached_property
    def settings(self) -> Settings:
        """From the environment, ``.env``, or what ``weir up`` left in the home."""
        settings = load_settings(self.home)
        guard_output(settings.secrets())
        for text in () if self.role else unknown(os.environ):
            err().print(f"Warning: {text}", style="bold yellow", markup=False)
        return settings

    @cached_property
    def topics(self) -> "Topics":
        """The topics of ``topics.yaml``.  Raises ``TopicsError``."""
        from streams.topics import load_topics  # noqa: PLC0415  brings aiokafka

        return load_topics(self.settings)

    @cached_property
    def stack(self) -> "Stack":
        """The embedded services of this home."""
        from weir.stack.stack import Stack  # noqa: PLC0415  brings the clients of all services

        ports, durable = load_stack_options(self.home)
        return Stack(self.home, ports, durable, self.settings)


def session_of(ctx: typer.Context) -> Session:
    """The session of a command's context."""
    return ctx.find_root().ensure_object(Session)


def quiet_logs(session: Session) -> None:
    """Keep the libraries' logs out of a command's answer: only what is worth a person's attention, and on stderr."""
    level = logging.DEBUG if session.debug else logging.WARNING
    logging.basicConfig(level=level, stream=sys.stderr)
    if not session.debug:
        for library in ("aiokafka", "asyncio", "aiomqtt", "mqtt"):  # what they have to say comes as an exception too
            logging.getLogger(library).setLevel(logging.CRITICAL)
    stamp = structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False)
    configure(level, stamp, [console_renderer()], cache=False)
