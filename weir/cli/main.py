"""The command line's entry point: global options, and every command by its name."""

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from streams import extensions
from weir.cli import (
    actions,
    activate,
    api,
    bpmn,
    cancel,
    dead_letters,
    definitions,
    demo,
    deploy,
    diff,
    down,
    export,
    history,
    instances,
    lifecycle,
    logs,
    metrics,
    migrate,
    migrate_instances,
    projector,
    publish,
    replay,
    show,
    signal,
    start,
    status,
    tasks,
    templates,
    test,
    topics,
    up,
    validate,
    verify,
    worker,
)
from weir.cli.errors import CliError, ExitCode, WeirGroup, report
from weir.cli.session import quiet_logs, session_of
from weir.home import DEFAULT_HOME

EPILOG = """
**Exit codes:** 0 done · 1 it failed, was refused, or a check is not met · 2 the command line or a setting is wrong ·
3 Kafka, the database or the stack is not reachable · 4 no outcome within the timeout · 130 interrupted.

**Where it finds the plant:** REDPANDA_BROKERS, DATABASE_URL and the other settings come from the environment, else from
`./.env`, else from what `weir up` left in the home.
"""
PLANT, PROCESSES, INSTANCES, ROLES = "The plant", "Processes", "Instances", "Roles (what `weir up` starts)"
LOGGING = {"worker", "projector", "api"}
"""Commands whose output is their log."""

app = typer.Typer(
    name="weir",
    cls=WeirGroup,
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
    if ctx.invoked_subcommand not in LOGGING:
        quiet_logs(session)


app.command("demo", rich_help_panel=PLANT)(demo.demo)
app.command("up", rich_help_panel=PLANT)(up.up)
app.command("down", rich_help_panel=PLANT)(down.down)
app.command("status", rich_help_panel=PLANT)(status.status)
app.command("logs", rich_help_panel=PLANT)(logs.logs)
app.command("metrics", rich_help_panel=PLANT)(metrics.metrics)

app.command("validate", rich_help_panel=PROCESSES)(validate.validate)
app.command("test", rich_help_panel=PROCESSES)(test.run_tests)
app.add_typer(actions.app, name="actions", rich_help_panel=PROCESSES)
app.command("deploy", rich_help_panel=PROCESSES)(deploy.deploy)
app.add_typer(definitions.app, name="definitions", rich_help_panel=PROCESSES)
app.command("activate", rich_help_panel=PROCESSES)(activate.activate)
app.command("deactivate", rich_help_panel=PROCESSES)(activate.deactivate)
app.command("diff", rich_help_panel=PROCESSES)(diff.compare)
app.command("bpmn", rich_help_panel=PROCESSES)(bpmn.bpmn)
app.add_typer(templates.app, name="template", rich_help_panel=PROCESSES)
app.command("export", rich_help_panel=PROCESSES)(export.export)
app.command("import", rich_help_panel=PROCESSES)(export.import_)
app.command("start", rich_help_panel=PROCESSES)(start.start)
app.command("signal", rich_help_panel=PROCESSES)(signal.signal)
app.command("publish", rich_help_panel=PROCESSES)(publish.publish)
app.command("cancel", rich_help_panel=PROCESSES)(cancel.cancel)
app.command("suspend", rich_help_panel=PROCESSES)(lifecycle.suspend)
app.command("resume", rich_help_panel=PROCESSES)(lifecycle.resume)
app.command("retry", rich_help_panel=PROCESSES)(lifecycle.retry)
app.command("set", rich_help_panel=PROCESSES)(lifecycle.set_)
app.command("migrate-instances", rich_help_panel=PROCESSES)(migrate_instances.migrate_instances)

app.command("instances", rich_help_panel=INSTANCES)(instances.instances)
app.command("show", rich_help_panel=INSTANCES)(show.show)
app.command("history", rich_help_panel=INSTANCES)(history.history)
app.add_typer(tasks.app, name="tasks", rich_help_panel=INSTANCES)
app.command("verify", rich_help_panel=INSTANCES)(verify.verify)
app.command("replay", rich_help_panel=PLANT)(replay.replay)
app.add_typer(dead_letters.app, name="dead-letters", rich_help_panel=PLANT)

app.command("worker", rich_help_panel=ROLES)(worker.worker)
app.command("projector", rich_help_panel=ROLES)(projector.projector)
app.command("api", rich_help_panel=ROLES)(api.api)
app.command("migrate", rich_help_panel=ROLES)(migrate.migrate)
app.add_typer(topics.app, name="topics", rich_help_panel=ROLES)


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
