"""``weir worker ROLE``: one role in this process, until told to stop."""

import os
import traceback
from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

from streams.settings import Settings
from weir.cli.errors import EXPECTED
from weir.cli.session import log_to_stderr, session_of


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
    run_role(MODULES[role], session_of(ctx).settings)


def run_role(module: str, settings: Settings) -> None:
    """Be the role until told to stop.  What goes wrong goes into the log whole; a supervisor starts the role anew."""
    log_to_stderr(settings)
    try:
        import_module(module).run(settings)
    except tuple(EXPECTED):
        raise
    except Exception:  # noqa: BLE001  # whatever it is, it ends the process
        traceback.print_exc()
        raise typer.Exit(os.EX_SOFTWARE) from None
