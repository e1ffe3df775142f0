"""``weir migrate-instances DEFINITION --to VERSION``: let instances go on with another version."""

import asyncio
from collections import Counter
from typing import Annotated

import typer

from streams.core.commands import Migrate
from streams.core.migration import SAFE, Mapping
from streams.core.state import Instance
from weir.cli import options
from weir.cli.errors import CliError
from weir.cli.options import check_instance, parse_variables
from weir.cli.output import out, print_json, print_table
from weir.cli.session import Session, session_of
from weir.client import CommandClient
from weir.migrating import Planned, definitions, plan_all
from weir.watch import Accepted, Refused

COLUMNS = ("id", "version", "status", "at", "verdict", "why")


def migrate_instances(
    ctx: typer.Context,
    *,
    definition: Annotated[str, typer.Argument(help="The definition's id.", show_default=False)],
    to: Annotated[int, typer.Option("--to", min=1, help="The version to go on with.", show_default=False)],
    from_: Annotated[int | None, typer.Option("--from", min=1, help="Only instances of this version.")] = None,
    instance: options.Instance = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", metavar="OLD=NEW", help="An activity that is called otherwise there.")
    ] = None,
    var: Annotated[
        list[str] | None, typer.Option("--var", metavar="NAME=VALUE", help="A variable that only the new version has.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would become of each instance.")] = False,
    timeout: options.Timeout = 30.0,
    json: options.Json = False,
) -> None:
    """Migrate the instances of a definition that have not ended to another version of it.

    Each is told as `safe`, `needs_mapping` or `impossible`, with the reason; only safe ones are migrated. Exit code 1
    when there are others.
    """
    only = None if instance is None else check_instance(instance, "--instance")
    mapping = Mapping(_parse_map(map_ or []), parse_variables(var or [], None))
    planned = asyncio.run(_plan(session_of(ctx), definition, to, mapping))
    chosen = [
        one for one in planned if only in (None, one.instance.id) and from_ in (None, one.instance.definition_version)
    ]
    refused = {} if dry_run else asyncio.run(_migrate(session_of(ctx), chosen, to, mapping, timeout))
    verdicts = Counter(one.plan.verdict for one in chosen)
    if json:
        print_json(
            {
                "definition": definition,
                "to": to,
                "dry_run": dry_run,
                "migrated": 0 if dry_run else verdicts[SAFE] - len(refused),
                "instances": [_document(one, refused) for one in chosen],
            }
        )
    else:
        print_table(
            COLUMNS, [_row(one, refused) for one in chosen], f"no instance of {definition} needs to be migrated"
        )
        if chosen and not dry_run:
            out().print(f"migrated {verdicts[SAFE] - len(refused)} of {len(chosen)}", markup=False)
    if refused or verdicts[SAFE] < len(chosen):
        raise typer.Exit(1)


async def _plan(session: Session, definition: str, to: int, mapping: Mapping) -> list[Planned]:
    async with definitions(session.settings, session.topics) as store:
        new = store.get(definition, to)
        if new is None:
            hint = "`weir definitions` lists what is deployed."
            raise CliError(f"{definition} version {to} is not deployed", hint, reason="unknown_definition")
        return await plan_all(session.settings, session.topics, new, store, mapping)


async def _migrate(
    session: Session, chosen: list[Planned], to: int, mapping: Mapping, timeout_s: float
) -> dict[str, str]:
    """Why some were not migrated after all, by instance: they have moved since."""
    refused: dict[str, str] = {}
    async with CommandClient(session.settings, session.topics) as client:
        for one in chosen:
            if one.plan.verdict != SAFE:
                continue
            activities, variables = dict(mapping.activities), dict(mapping.variables)
            command = Migrate(instance_id=one.instance.id, version=to, activities=activities, variables=variables)
            outcome = await client.send_and_wait(command, timeout_s)
            if not isinstance(outcome, Accepted):
                refused[one.instance.id] = outcome.message if isinstance(outcome, Refused) else "dead letter"
    return refused


def _parse_map(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        old, equals, new = pair.partition("=")
        if not (old and equals and new):
            raise typer.BadParameter(f"Expected OLD=NEW, but got {pair[:80]!r}", param_hint="--map")
        found[old] = new
    return found


def _row(one: Planned, refused: dict[str, str]) -> tuple[object, ...]:
    state = one.instance
    return (state.id, state.definition_version, state.status, ", ".join(_at(state)), *_verdict(one, refused))


def _document(one: Planned, refused: dict[str, str]) -> dict[str, object]:
    state = one.instance
    verdict, why = _verdict(one, refused)
    return {
        "id": state.id,
        "version": state.definition_version,
        "status": state.status,
        "at": _at(state),
        "verdict": verdict,
        "why": why,
    }


def _verdict(one: Planned, refused: dict[str, str]) -> tuple[str, str]:
    if one.instance.id in refused:
        return "refused", refused[one.instance.id]
    return one.plan.verdict, "; ".join(one.plan.problems)


def _at(state: Instance) -> list[str]:
    """Where it waits, and where it failed."""
    failed_at = None if state.failure is None else state.failure.activity_id
    return sorted(state.waiting) + ([failed_at] if failed_at is not None else [])
