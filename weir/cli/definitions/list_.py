"""``weir definitions list``: which definitions are deployed, and which version starts instances?"""

import asyncio
from typing import Annotated, Any

import typer

from streams.deployed import Deployed
from weir.cli import options
from weir.cli.output import print_json, print_table
from weir.cli.session import session_of
from weir.repository import read_deployed

COLUMNS = ("id", "version", "state", "name", "deployed", "by", "commit", "reason")
COMMIT = 12


def list_(
    ctx: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every version, not only the active or newest.")] = False,
    json: options.Json = False,
) -> None:
    """List deployed definitions. `active` starts instances; `standby` where it is asked for; `deactivated` never."""
    session = session_of(ctx)
    deployed = asyncio.run(read_deployed(session.settings, session.topics))
    if json:
        print_json([document(known) for known in deployed.values()])
        return
    rows = [row for known in deployed.values() for row in _rows(known, every=every)]
    print_table(COLUMNS, rows, "Nothing is deployed: `weir deploy PATH`.")


def document(known: Deployed) -> dict[str, Any]:
    """For ``--json``."""
    return {
        "id": known.id,
        "name": known.versions[known.newest].name,
        "active": known.active,
        "newest": known.newest,
        "deactivated": None if known.off is None else {"reason": known.off.reason, "pruned": known.off.pruned},
        "changed_at": None if known.activation is None else known.activation.changed_at,
        "versions": [
            {
                "version": number,
                "state": known.state_of(number),
                "hash": one.hash,
                "name": one.name,
                "deployed_at": one.deployed_at,
                "origin": one.origin,
            }
            for number, one in sorted(known.versions.items())
        ],
    }


def _rows(known: Deployed, *, every: bool) -> list[list[Any]]:
    shown = sorted(known.versions, reverse=True) if every else [known.active or known.newest]
    reason = None if known.off is None else known.off.reason
    rows = []
    for number in shown:
        one = known.versions[number]
        origin = one.origin or {}
        commit = origin.get("commit")
        told = None if commit is None else commit[:COMMIT] + ("+" if origin.get("dirty") else "")
        rows.append(
            [
                known.id,
                number,
                known.state_of(number),
                one.name,
                one.deployed_at,
                origin.get("author") or origin.get("by"),
                told,
                reason,
            ]
        )
    return rows
