"""The list of commands: true, and enough for ``weir --help``."""

import subprocess
import sys

import pytest
import typer

from weir.cli.commands import COMMANDS
from weir.cli.lazy import Command
from weir.cli.main import app

ALL = [one for commands in COMMANDS.values() for one in commands]
HEAVY = {"aiokafka", "aiomqtt", "asyncpg", "faust", "streams.core.definition"}


@pytest.mark.parametrize("command", ALL, ids=lambda one: one.name)
def test_the_summary_is_how_the_help_of_the_command_begins(command: Command) -> None:
    first, _, _ = command.loaded().help.partition("\n\n")
    assert " ".join(first.split()) == command.summary


def test_a_command_is_imported_when_it_is_asked_for() -> None:
    group = typer.main.get_command(app)
    context = typer.Context(group)
    name, command, rest = group.resolve_command(context, ["topics", "apply", "--json"])  # type: ignore[attr-defined]
    assert (name, rest) == ("topics", ["apply", "--json"])
    assert "apply" in command.commands


def test_to_list_the_commands_imports_none() -> None:
    code = "import sys; from weir.cli.main import app; app(['--help'], standalone_mode=False); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    text, modules = ran.stdout.rstrip("\n").rsplit("\n", 1)
    assert [one.name for one in ALL if f" {one.name} " not in text] == []
    assert HEAVY.isdisjoint(modules.split())
