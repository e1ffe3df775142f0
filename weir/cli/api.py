"""``weir api``: the gateway, until told to stop."""

import typer

from weir.cli.session import session_of
from weir.role import run_role


def api(ctx: typer.Context) -> None:
    """Run the gateway: start and signal processes over HTTP, at WEIR_API_HOST and WEIR_API_PORT.

    It answers 202 once Kafka has a command, and 503 with Retry-After while the processor is too far behind. Works until
    SIGTERM or Ctrl-C.
    """
    raise typer.Exit(run_role("api", session_of(ctx).settings))
