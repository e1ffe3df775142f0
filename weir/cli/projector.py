"""``weir projector``: events and telemetry into the database, until told to stop."""

from importlib import import_module

import typer

from weir.cli.session import session_of

MODULE = "projections.app"


def projector(ctx: typer.Context) -> None:
    """Run the projector: events, telemetry and definitions into the database.

    Brings the database's schema up to date first, and works until SIGTERM or Ctrl-C.
    """
    settings = session_of(ctx).settings
    import_module(MODULE).run(settings)
