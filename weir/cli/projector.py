"""``weir projector``: events and telemetry into the database, until told to stop."""

import typer

from weir.cli.session import session_of
from weir.cli.worker import run_role

MODULE = "projections.app"


def projector(ctx: typer.Context) -> None:
    """Run the projector: events, telemetry and definitions into the database.

    Brings the database's schema up to date first, and works until SIGTERM or Ctrl-C.
    """
    run_role(MODULE, session_of(ctx).settings)
