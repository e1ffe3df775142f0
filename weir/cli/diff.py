"""``weir diff OLD [NEW]``: what differs between two definitions, by what they mean."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from projections.queries import waiting
from streams.core.definition import ProcessDefinition
from streams.core.diff import Change, diff, hindrances
from streams.core.templates.placeholders import shown
from streams.deployed import Deployed
from weir.cli import options
from weir.cli.errors import ExitCode
from weir.cli.output import err, out, print_json
from weir.cli.reading import read_file
from weir.cli.session import Session, session_of
from weir.database import NoSchemaError, UnreachableError, connected
from weir.repository import read_deployed
from weir.repository.named import Name, definition_of, find, is_file, parse_name

SIGNS = {"added": "+", "removed": "-", "changed": "~"}
MAX_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Side:
    """A definition, and where it is from; ``deployed``: instances of it may run."""

    definition: ProcessDefinition
    place: str
    deployed: bool

    def document(self) -> dict[str, Any]:
        return {"id": self.definition.id, "version": self.definition.version, "from": self.place}


def compare(
    ctx: typer.Context,
    *,
    old: Annotated[str, typer.Argument(metavar="OLD", help="A file, ID or ID:VERSION; alone, a file.")],
    new: Annotated[str | None, typer.Argument(metavar="[NEW]", help="The same.", show_default=False)] = None,
    json: options.Json = False,
) -> None:
    """Compare two definitions by what they mean: order, spelling, comments and the version do not count.

    One file alone is compared with what is active. Ends with 1 when something differs. Tells whether instances that run
    by a deployed OLD could go on in NEW, by where they wait.
    """
    session = session_of(ctx)
    before, after = _sides(session, old, new)
    changes = diff(before.definition, after.definition)
    running = asyncio.run(_waiting(session, before.definition)) if before.deployed else None
    wrong = None if running is None else hindrances(before.definition, after.definition, running)
    if json:
        instances = None
        if running is not None and wrong is not None:
            instances = {"waiting": running, "hindrances": wrong, "safe": not wrong}
        document = {"old": before.document(), "new": after.document(), "changes": [asdict(one) for one in changes]}
        print_json({**document, "instances": instances})
    else:
        for one in changes:
            out().print(_line(one), markup=False, soft_wrap=True)
        _tell(before, running, wrong)
    if changes:
        raise typer.Exit(ExitCode.FAILED)


def _sides(session: Session, old: str, new: str | None) -> tuple[Side, Side]:
    if new is None and not is_file(old):
        raise typer.BadParameter("Expected a file, or two definitions", param_hint="OLD")
    files = is_file(old) and new is not None and is_file(new)
    deployed = {} if files else asyncio.run(read_deployed(session.settings, session.topics))
    if new is not None:
        return _side(old, deployed), _side(new, deployed)
    after = _side(old, deployed)
    return _named(Name(after.definition.id), deployed), after


def _side(text: str, deployed: Mapping[str, Deployed]) -> Side:
    if is_file(text):
        return Side(read_file(Path(text)), text, deployed=False)
    return _named(parse_name(text), deployed)


def _named(name: Name, deployed: Mapping[str, Deployed]) -> Side:
    found = find(name, deployed)
    return Side(definition_of(found), f"{found.id}:{found.version}", deployed=True)


async def _waiting(session: Session, definition: ProcessDefinition) -> dict[str, int] | None:
    """Where instances wait; ``None`` where no database answers: the difference is worth telling without."""
    try:
        async with connected(session.settings) as connection:
            return await waiting(connection, definition.id, definition.version)
    except (UnreachableError, NoSchemaError) as error:
        err().print(f"What runs is not known: {error}", markup=False)
        return None


def _line(one: Change) -> str:
    head = f"{SIGNS[one.kind]} {one.part} {one.name}"
    if one.kind != "changed":
        content = one.new if one.kind == "added" else one.old
        kind = content.get("action") or content.get("type") if isinstance(content, dict) else None
        return f"{head} ({kind})" if kind and one.part == "activity" else head
    return f"{head}: {one.field}{' (way)' if one.way else ''}: {_value(one.old)} → {_value(one.new)}"


def _value(value: Any) -> str:
    text = "nothing" if value is None else shown(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def _tell(before: Side, running: Mapping[str, int] | None, wrong: Mapping[str, str] | None) -> None:
    if not running or wrong is None:
        return
    total = sum(running.values())
    if not wrong:
        out().print(f"All {total} instances of {before.place} wait where they could go on.", markup=False)
    for activity, why in wrong.items():
        line = f"! {running[activity]} of {total} instances of {before.place} wait at {activity}: {why}"
        out().print(line, markup=False, soft_wrap=True)
    if wrong:
        hint = "`weir migrate-instances ID --to VERSION --dry-run` tells more, once NEW is deployed."
        err().print(hint, markup=False)
