"""A group of commands that imports the module of a command when that command is asked for, and no other.

To list the commands, in ``--help`` and for the shell's completion, their names and summaries are enough.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class Command:
    """``place`` is ``module:name`` below ``weir.cli``: a function, or the ``typer.Typer`` of further commands."""

    name: str
    place: str
    summary: str

    def listed(self, panel: str) -> TyperCommand:
        """What stands for it in a list."""
        return TyperCommand(self.name, help=self.summary, rich_help_panel=panel, rich_markup_mode="markdown")

    def loaded(self) -> Any:
        """The command itself, as typer makes it."""
        module, _, name = self.place.partition(":")
        found = getattr(import_module(f"weir.cli.{module}"), name)
        parent = typer.Typer(rich_markup_mode="markdown")
        if isinstance(found, typer.Typer):
            parent.add_typer(found, name=self.name)
        else:
            parent.command(self.name)(found)
        return typer.main.get_group(parent).commands[self.name]


class LazyGroup(TyperGroup):
    """A subclass says what its commands are, by the panel that ``--help`` shows them in."""

    lazy: ClassVar[Mapping[str, Sequence[Command]]] = {}

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        self._lazy = {one.name: one for panel in self.lazy.values() for one in panel}
        for panel, commands in self.lazy.items():
            for one in commands:
                self.add_command(one.listed(panel))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that ``args`` begin with, imported now; ``ctx`` is the context of the group."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self._lazy[name].loaded() if name in self._lazy else command, rest
