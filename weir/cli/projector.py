"""``weir projector``: events and telemetry into the database, until told to stop."""

import typer

from weir.cli.session import session_of
from weir.role import run_role


def projector(ctx: typer.Context) -> None:
    """Run the projector: events, telemetry and definitions into the database.

    Brings the database's schema up to date first, and works until SIGTERM or Ctrl-C. Exit code 70 when the process must
    be started again.
    """
    raise typer.Exit(run_role("projector", session_of(ctx).settings))
