"""``weir migrate``: bring the database's schema up to date."""

import asyncio

import typer

from weir.cli import options
from weir.cli.output import out, print_json
from weir.cli.session import session_of
from weir.database import bring_up_to_date


def migrate(ctx: typer.Context, json: options.Json = False) -> None:
    """Bring the database's schema up to date. `weir up` and the projector do this by themselves."""
    applied = asyncio.run(bring_up_to_date(session_of(ctx).settings))
    if json:
        print_json({"applied": applied})
    else:
        out().print("\n".join(applied) if applied else "the schema is up to date", markup=False)
