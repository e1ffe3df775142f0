"""Exit codes, and how a command ends that cannot go on.

An expected exception (``expected``) ends a command with one message that says what to do, and its exit code; anything
else is a mistake in Weir, and says so.  ``--debug`` shows the traceback of either.
"""

import json
import sys
import traceback
from enum import IntEnum
from typing import Any

import typer
from rich.console import Console
from typer.exceptions import TyperException

from streams.core.misfit import bare
from streams.redaction import redact
from weir.cli.lazy import LazyGroup
from weir.cli.session import session_of


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


class WeirGroup(LazyGroup):
    """The commands of ``weir``, with expected exceptions turned into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command; ``ctx`` is the context of the whole command line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except TyperException as error:
            error.message = bare(error.message)
            raise
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            from weir.cli.expected import explain  # noqa: PLC0415  the errors of all commands bring their modules

            session = session_of(ctx)
            known = error if isinstance(error, CliError) else explain(error, session)
            if known is None:
                raise
            if session.debug:
                traceback.print_exc()
            report(known, as_json=session.json)
            raise typer.Exit(known.code) from error


def report(error: CliError, *, as_json: bool) -> None:
    """Tell a person on stderr, and a program on stdout."""
    message, hint = redact(error.message), redact(error.hint)
    text = f"{message}\n{hint}" if hint else message
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("Error:", style="bold red", end=" ")
    console.print(text, markup=False)
    if as_json:
        sys.stdout.write(json.dumps({"error": {"reason": error.reason, "message": message, "hint": hint}}) + "\n")
