"""``weir worker ROLE``: one role in this process, until told to stop."""

from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

from weir.cli.session import session_of


class Role(StrEnum):
    """The roles of the stream side."""

    BRIDGE = "bridge"
    ROUTER = "router"
    PROCESSOR = "processor"
    ACTIONS = "actions"


MODULES = {
    Role.BRIDGE: "streams.mqtt_bridge",
    Role.ROUTER: "streams.agents.router",
    Role.PROCESSOR: "streams.agents.processor",
    Role.ACTIONS: "streams.agents.actions",
}
"""Imported by name, since each brings the whole stream framework, which no other command needs."""


def worker(ctx: typer.Context, role: Annotated[Role, typer.Argument(help="What this process does.")]) -> None:
    """Run one role: bridge (MQTT to topics), router (telemetry to commands), processor (commands to events), actions.

    Works until SIGTERM or Ctrl-C. More processes of a role share its partitions; only the bridge is alone.
    """
    settings = session_of(ctx).settings
    import_module(MODULES[role]).run(settings)
