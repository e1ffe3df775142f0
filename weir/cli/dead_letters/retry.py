"""``weir dead-letters retry``: letters go their normal way again, once."""

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
    Why,
    check_chosen,
    operator,
    selection_of,
)
from weir.cli.dead_letters.settling import carry_out
from weir.cli.session import session_of
from weir.letters.settling import Order


def retry(
    ctx: typer.Context,
    places: Places = None,
    *,
    role: Role = None,
    topic: Topic = None,
    since: options.Since = None,
    until: options.Until = None,
    reason: Reason = None,
    everything: Everything = False,
    limit: Limit = None,
    by: By = None,
    why: Why = "",
    dry_run: DryRun = False,
    json: options.Json = False,
) -> None:
    """Send the records of open letters to where they came from, for who gave them up. Exit code 1 when one was left.

    A command is decided as any other. A reading is as old as it is: beyond a trigger's max_age it starts nothing. What
    cannot be used again becomes a new letter, or stays where it is, and is told.
    """
    chosen = selection_of(places, role=role, topic=topic, since=since, until=until, reason=reason)
    check_chosen(chosen, everything=everything)
    order = Order("retried", chosen, operator(by), why, limit)
    carry_out(session_of(ctx), order, dry_run=dry_run, as_json=json)
