"""``weir worker ROLE``: one role in this process, until told to stop."""

from enum import StrEnum
from typing import Annotated

import typer

from weir.cli.session import session_of
from weir.role import run_role


class Role(StrEnum):
    """The roles of the stream side."""

    BRIDGE = "bridge"
    ROUTER = "router"
    PROCESSOR = "processor"
    ACTIONS = "actions"
    STATION = "station"


def worker(ctx: typer.Context, role: Annotated[Role, typer.Argument(help="What this process does.")]) -> None:
    """Run one role: bridge (MQTT to topics), router (telemetry to commands), processor (commands to events), actions,
    station (positions and messages of people).

    Works until SIGTERM or Ctrl-C. More processes of a role share its partitions; only the bridge is alone. Exit code 70
    when the process must be started again.
    """
    raise typer.Exit(run_role(role.value, session_of(ctx).settings))
