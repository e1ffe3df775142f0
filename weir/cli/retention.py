"""``weir retention``: how long does the database keep what?"""

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, NamedTuple

import typer

from projections.queries import Extent, extents, removed_before
from projections.retention import KINDS, BusyError, Removed, expired_chunks, keep_days, limits_of, remove_expired
from weir.cli import options
from weir.cli.errors import CliError
from weir.cli.output import out, print_json, print_table
from weir.cli.session import Session, session_of
from weir.database import connected

COLUMNS = ("table", "kept for", "from", "size", "removed before", "chunks to be thinned out")


class _Found(NamedTuple):
    extents: list[Extent]
    removed_before: dict[str, datetime]
    expired: dict[str, int]
    removed: list[Removed]


def retention(
    ctx: typer.Context,
    *,
    now: Annotated[bool, typer.Option("--now", help="Remove it now: the projector does so every 15 minutes.")] = False,
    json: options.Json = False,
) -> None:
    """Show how long the database keeps what, how far back it goes, and what is to be removed.

    WEIR_HISTORY_KEEP_DAYS, WEIR_TELEMETRY_KEEP_DAYS and WEIR_AUDIT_KEEP_DAYS say how long; without them rows stay for
    ever. The topics keep what is removed here: `weir replay --projections` brings it back.
    """
    session = session_of(ctx)
    try:
        found = asyncio.run(_look(session, remove=now))
    except BusyError as error:
        hint = "What was removed until then is; run it again, or leave the rest to the projector."
        raise CliError(f"Rows are in use: {error}.", hint, reason="busy") from error
    keep = keep_days(session.settings)
    if json:
        print_json(
            {
                "tables": [
                    {
                        "table": one.table,
                        "keep_days": keep[KINDS[one.table]],
                        "since": one.since,
                        "total_bytes": one.total_bytes,
                        "removed_before": found.removed_before.get(KINDS[one.table]),
                        "expired_chunks": found.expired.get(one.table, 0),
                    }
                    for one in found.extents
                ],
                "removed": [asdict(one) for one in found.removed],
            }
        )
        return
    for gone in found.removed:
        what = "" if gone.rows is None else f" {gone.rows:,} rows of"
        out().print(f"Removed{what} {gone.chunks:,} chunks of {gone.table}.")
    rows = (
        (
            one.table,
            "ever" if (days := keep[KINDS[one.table]]) is None else f"{days} days",
            one.since,
            f"{one.total_bytes / 1e6:,.1f} MB",
            found.removed_before.get(KINDS[one.table]),
            found.expired.get(one.table, 0),
        )
        for one in found.extents
    )
    print_table(COLUMNS, rows, "")


async def _look(session: Session, *, remove: bool) -> _Found:
    limits = limits_of(session.settings)
    async with connected(session.settings, command_timeout_s=None) as connection:
        removed = await remove_expired(connection, limits) if remove else []
        return _Found(
            await extents(connection, list(KINDS)),
            await removed_before(connection),
            await expired_chunks(connection, limits),
            removed,
        )
