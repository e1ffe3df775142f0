"""Exit codes, and what each expected exception means to a person.

An expected exception ends a command with one message that says what to do, and its exit code; anything else is a
mistake in Weir, and says so.  ``--debug`` shows the traceback of either.
"""

import json
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import typer
from aiokafka.errors import KafkaConnectionError, KafkaError
from pydantic import ValidationError
from rich.console import Console
from typer.core import TyperGroup

from projections.errors import MigrationError
from streams.codec import LimitError
from streams.core.parse import DefinitionError
from streams.extensions import ExtensionError
from streams.kafka import client_options, refusal
from streams.log import LogError
from streams.mqtt import MqttUrlError
from streams.redaction import redact
from streams.refused import RefusedError
from streams.settings import Settings
from streams.topics import TopicsError
from weir.cli.session import Session, session_of
from weir.client import ClientError
from weir.database import NoSchemaError, UnreachableError
from weir.demo.run import DemoError
from weir.demo.series import SeriesError
from weir.letters.reading import LetterError
from weir.repository.named import UnknownNameError
from weir.repository.transfer import ManifestError
from weir.stack.checks import run_async
from weir.stack.errors import ServiceUnreachableError, StackError
from weir.watch import NoAnswerError


class ExitCode(IntEnum):
    """What a script may rely on."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    TIMEOUT = 4
    INTERRUPTED = 130


class CliError(Exception):
    """A command cannot go on.  ``reason`` is the kind for programs, ``hint`` what to do."""

    def __init__(
        self, message: str, hint: str = "", *, reason: str = "failed", code: ExitCode = ExitCode.FAILED
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.reason = reason
        self.code = code


class WeirGroup(TyperGroup):
    """The commands of ``weir``, with expected exceptions turned into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command; ``ctx`` is the context of the whole command line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except Exception as error:
            session = session_of(ctx)
            known = explain(error, session)
            if known is None:
                raise
            if session.debug:
                traceback.print_exc()
            report(known, as_json=session.json)
            raise typer.Exit(known.code) from error


Explain = Callable[[Any, Session], CliError]


def explain(error: Exception, session: Session) -> CliError | None:
    """An expected exception in words; ``None`` for any other."""
    if isinstance(error, CliError):
        return error
    if isinstance(error, ValidationError) and error.title != Settings.__name__:
        return None
    return next((words(error, session) for kind, words in EXPECTED.items() if isinstance(error, kind)), None)


def _as_it_says(reason: str, hint: str = "", code: ExitCode = ExitCode.FAILED) -> Explain:
    """The exception's own message is good for people; only the kind, the hint and the exit code are added."""
    return lambda error, _session: CliError(str(error), hint, reason=reason, code=code)


def _stack(error: StackError, _session: Session) -> CliError:
    return CliError(error.message, error.hint, reason="stack")


def _unreachable_service(error: ServiceUnreachableError, _session: Session) -> CliError:
    return CliError(error.message, error.hint, reason="unreachable", code=ExitCode.UNREACHABLE)


def _kafka(error: KafkaError, session: Session) -> CliError:
    if isinstance(error, KafkaConnectionError):
        refused = run_async(refusal(client_options(session.settings)))
        if refused is not None:
            return CliError(refused, reason="refused", code=ExitCode.UNREACHABLE)
    return CliError(
        f"Expected Kafka at {session.settings.brokers}, but got: {type(error).__name__}: {error}",
        "Start it with `weir up`, or set REDPANDA_BROKERS to brokers that run.",
        reason="unreachable",
        code=ExitCode.UNREACHABLE,
    )


def _settings(error: ValidationError, _session: Session) -> CliError:
    lines = [f"{'.'.join(map(str, one['loc'])) or 'settings'}: {one['msg']}" for one in error.errors()]
    message = "The settings from environment, .env and weir.env do not fit:\n" + "\n".join(lines)
    return CliError(message, reason="settings", code=ExitCode.USAGE)


EXPECTED: dict[type[Exception], Explain] = {
    ServiceUnreachableError: _unreachable_service,
    StackError: _stack,
    ExtensionError: _as_it_says("extension", code=ExitCode.USAGE),
    RefusedError: _as_it_says("refused", code=ExitCode.UNREACHABLE),
    MqttUrlError: _as_it_says("settings", code=ExitCode.USAGE),
    NoAnswerError: _as_it_says("timeout", code=ExitCode.TIMEOUT),
    ClientError: _as_it_says("unreachable", code=ExitCode.UNREACHABLE),
    KafkaError: _kafka,
    UnreachableError: _as_it_says(
        "unreachable", "Start it with `weir up`, or set DATABASE_URL to one that runs.", ExitCode.UNREACHABLE
    ),
    NoSchemaError: _as_it_says("no_schema", "Make them with `weir migrate`."),
    MigrationError: _as_it_says("migration"),
    TopicsError: _as_it_says("topics"),
    DefinitionError: _as_it_says("invalid_definition"),
    UnknownNameError: _as_it_says("unknown_definition", "`weir definitions list` shows what is deployed."),
    ManifestError: _as_it_says("manifest"),
    DemoError: _as_it_says("demo", "`weir --home HOME/demo logs` shows what the plant said."),
    SeriesError: _as_it_says("series", code=ExitCode.USAGE),
    LetterError: _as_it_says("dead_letters"),
    LogError: _as_it_says("log"),
    LimitError: _as_it_says("limit"),
    ValidationError: _settings,
}


def report(error: CliError, *, as_json: bool) -> None:
    """Tell a person on stderr, and a program on stdout."""
    message, hint = redact(error.message), redact(error.hint)
    text = f"{message}\n{hint}" if hint else message
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("Error:", style="bold red", end=" ")
    console.print(text, markup=False)
    if as_json:
        sys.stdout.write(json.dumps({"error": {"reason": error.reason, "message": message, "hint": hint}}) + "\n")
