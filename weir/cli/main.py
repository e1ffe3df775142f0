"""The command line's entry point: global options, and the last line of defence.  The commands are in ``commands``."""

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from streams import extensions
from weir.cli.commands import COMMANDS
from weir.cli.errors import CliError, ExitCode, WeirGroup, report
from weir.cli.session import quiet_logs, session_of
from weir.home import DEFAULT_HOME

EPILOG = """
**Exit codes:** 0 done · 1 it failed, was refused, or a check is not met · 2 the command line or a setting is wrong ·
3 Kafka, the database or the stack is not reachable · 4 no outcome within the timeout · 130 interrupted.

**Where it finds the plant:** REDPANDA_BROKERS, DATABASE_URL and the other settings come from the environment, else from
`./.env`, else from what `weir up` left in the home.
"""
LOGGING = {"worker", "projector", "api"}
"""Commands whose output is their log."""


class Weir(WeirGroup):
    """All of them."""

    lazy = COMMANDS


app = typer.Typer(
    name="weir",
    cls=Weir,
    help="Weir runs processes for plants and buildings: telemetry in, processes in YAML, every step an event.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    ctx: typer.Context,
    home: Annotated[
        Path, typer.Option(envvar="WEIR_HOME", help="Where the embedded services keep their data and logs.")
    ] = DEFAULT_HOME,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and the libraries' logs.")] = False,
) -> None:
    """Options of every command; they stand before its name."""
    session = session_of(ctx)
    session.home, session.debug = home, debug
    extensions.load()
    session.role = ctx.invoked_subcommand in LOGGING
    if not session.role:
        quiet_logs(session)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except Exception as error:  # noqa: BLE001  # the last line of defence: a person gets words, not a traceback
        if "--debug" in sys.argv:
            traceback.print_exc()
        hint = "This is a mistake in Weir. `weir --debug …` shows where; please report it."
        report(CliError(f"{type(error).__name__}: {error}", hint), as_json="--json" in sys.argv)
        sys.exit(ExitCode.FAILED)


if __name__ == "__main__":
    main()
