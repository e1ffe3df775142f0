"""``weir topics apply``: make the cluster agree with ``topics.yaml``."""

import asyncio
from dataclasses import asdict

import typer

from streams.topics import Applied, apply_topics
from weir.cli import options
from weir.cli.errors import ExitCode
from weir.cli.output import err, print_json, print_table
from weir.cli.session import session_of

app = typer.Typer(help="The topics of `topics.yaml`.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The topics of `topics.yaml`."""


@app.command("apply")
def apply(ctx: typer.Context, json: options.Json = False) -> None:
    """Create the topics that are missing; report, and leave, those that differ (exit code 1)."""
    session = session_of(ctx)
    applied = asyncio.run(apply_topics(session.settings, session.topics))
    if json:
        print_json(asdict(applied))
    else:
        rows = [(name, "created") for name in applied.created] + [(name, "unchanged") for name in applied.unchanged]
        print_table(("topic", ""), rows, "")
    warn_of_differences(applied)
    if applied.differences:
        raise typer.Exit(ExitCode.FAILED)


def warn_of_differences(applied: Applied) -> None:
    """Each difference on stderr; changing a topic is a decision for people.  So is doing without a setting."""
    warnings = [f"topic {difference}. It was left as it is" for difference in applied.differences]
    warnings += [f"topic {setting}: the broker has no such setting" for setting in applied.unsupported]
    for warning in warnings:
        err().print(f"Warning: {warning}", style="bold yellow", markup=False)
