"""What each expected exception means to a person."""

from collections.abc import Callable
from typing import Any

from aiokafka.errors import KafkaConnectionError, KafkaError
from pydantic import ValidationError

from projections.errors import MigrationError
from streams.codec import LimitError
from streams.core.parse import DefinitionError
from streams.extensions import ExtensionError
from streams.kafka import client_options, refusal
from streams.log import LogError
from streams.refused import MqttUrlError, RefusedError
from streams.settings import Settings
from streams.topics import TopicsError
from weir.cli.errors import CliError, ExitCode
from weir.cli.session import Session
from weir.client import ClientError
from weir.database import NoSchemaError, UnreachableError
from weir.demo.run import DemoError
from weir.demo.series import SeriesError
from weir.letters.reading import LetterError
from weir.repository.named import UnknownNameError
from weir.repository.transfer import ManifestError
from weir.settings_check import misfits
from weir.stack.checks import run_async
from weir.stack.errors import ServiceUnreachableError, StackError
from weir.watch import NoAnswerError

Explain = Callable[[Any, Session], CliError]


def explain(error: Exception, session: Session) -> CliError | None:
    """An expected exception in words; ``None`` for any other."""
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
    return CliError(misfits(error), reason="settings", code=ExitCode.USAGE)


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
