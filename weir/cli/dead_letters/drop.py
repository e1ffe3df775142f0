"""``weir dead-letters drop``: letters that need nothing more."""

from typing import Annotated

import typer

from weir.cli import options
from weir.cli.dead_letters.options import (
    By,
    DryRun,
    Everything,
    Limit,
    Places,
    Reason,
    Role,
    Topic,
    check_chosen,
    operator,
    selection_of,
)
from weir.cli.dead_letters.settling import carry_out
from weir.cli.session import session_of
from weir.letters.settling import Order


def drop(
    ctx: typer.Context,
    places: Places = None,
    *,
    why: Annotated[str, typer.Option("--why", help="For who looks at it later.", show_default=False)],
    role: Role = None,
    topic: Topic = None,
    since: options.Since = None,
    until: options.Until = None,
    reason: Reason = None,
    everything: Everything = False,
    limit: Limit = None,
    by: By = None,
    dry_run: DryRun = False,
    json: options.Json = False,
) -> None:
    """Mark open letters as dropped. They stay readable, with who dropped them and why, until they expire."""
    chosen = selection_of(places, role=role, topic=topic, since=since, until=until, reason=reason)
    check_chosen(chosen, everything=everything)
    carry_out(session_of(ctx), Order("dropped", chosen, operator(by), why, limit), dry_run=dry_run, as_json=json)
