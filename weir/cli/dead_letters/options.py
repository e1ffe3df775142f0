"""Options that the commands share: which letters, and who asks."""

import getpass
import socket
from typing import Annotated

import typer

from weir.cli.options import moment_ms
from weir.letters.letter import Place
from weir.letters.selection import Selection

Places = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Letters, as `list` names them.")]
Role = Annotated[str | None, typer.Option("--role", help="Given up by this role: bridge, router, processor ….")]
Topic = Annotated[str | None, typer.Option("--topic", help="From this topic; `mqtt:` for all that came over MQTT.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="With this text in the reason.")]
Everything = Annotated[bool, typer.Option("--all", help="Every letter that is open.")]
Limit = Annotated[int | None, typer.Option("--limit", "-n", min=1, help="At most so many, the oldest first.")]
By = Annotated[str | None, typer.Option("--by", help="Who does it.", show_default="you, on this machine")]
Why = Annotated[str, typer.Option("--why", help="For who looks at it later.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and do nothing.")]


def selection_of(
    places: list[str] | None,
    *,
    role: str | None,
    topic: str | None,
    since: str | None,
    until: str | None,
    reason: str | None,
) -> Selection:
    """What the options ask for.  Raises ``typer.BadParameter``."""
    return Selection(
        places=tuple(place_of(text) for text in places or ()),
        role=role,
        topic=topic,
        since_ms=moment_ms(since, "--since"),
        until_ms=moment_ms(until, "--until"),
        reason=reason,
    )


def place_of(text: str) -> Place:
    """The letter that ``text`` names.  Raises ``typer.BadParameter``."""
    try:
        return Place.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="ID") from None


def check_chosen(selection: Selection, *, everything: bool) -> None:
    """Nothing is done to every letter by forgetting to say which.  Raises ``typer.BadParameter``."""
    if selection.is_empty and not everything:
        raise typer.BadParameter("Expected letters, a filter, or --all", param_hint="ID / --all")
    if selection.places and everything:
        raise typer.BadParameter("Expected letters or --all, and not both", param_hint="ID / --all")


def operator(by: str | None) -> str:
    """Who asks: what ``--by`` says, else the account on this machine."""
    return by or f"{getpass.getuser()}@{socket.gethostname()}"
