"""``weir dead-letters list``: which letters are there?"""

import asyncio
from typing import Annotated, Any

import typer

from streams.log import opened
from weir.cli import options
from weir.cli.dead_letters.options import Reason, Role, Topic, selection_of
from weir.cli.output import out, print_json, print_table
from weir.cli.session import Session, session_of
from weir.letters.document import document, text_of
from weir.letters.letter import Letter
from weir.letters.reading import find, partitions
from weir.letters.selection import Selection

COLUMNS = ("id", "time", "role", "from", "key", "bytes", "reason", "")
SHOWN_KEY, SHOWN_REASON = 40, 90


def list_(
    ctx: typer.Context,
    *,
    role: Role = None,
    topic: Topic = None,
    since: options.Since = None,
    until: options.Until = None,
    reason: Reason = None,
    everything: Annotated[bool, typer.Option("--all", help="Settled ones too, with what became of each.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="At most so many.")] = 50,
    json: options.Json = False,
) -> None:
    """List dead letters, the newest first. Times are wall time, UTC."""
    wanted = selection_of(None, role=role, topic=topic, since=since, until=until, reason=reason)
    found = asyncio.run(look(session_of(ctx), wanted))
    chosen = [letter for letter in found if everything or letter.fate is None]
    shown = sorted(chosen, key=lambda letter: letter.place, reverse=True)[:limit]
    if json:
        print_json([document(letter) for letter in shown])
        return
    print_table(COLUMNS, map(_row, shown), "no dead letters" if everything else "no open dead letters")
    if len(chosen) > limit:
        out().print(f"{len(chosen):,} in all, of which {limit} are shown; --limit shows more.")


async def look(session: Session, wanted: Selection) -> list[Letter]:
    """The letters that are asked for, without their values."""
    async with opened(session.settings) as log:
        return await find(log, await log.settled(partitions(session.topics)), wanted)


def place_text(letter: Letter) -> str:
    """Where its record came from, for people."""
    source = letter.source
    if source is None:
        return "?"
    return source.topic if source.topic.startswith("mqtt:") else f"{source.topic} {source.partition}:{source.offset}"


def _row(letter: Letter) -> tuple[Any, ...]:
    fate = "" if letter.fate is None else f"{letter.fate.what} by {letter.fate.by}"
    key = (text_of(letter.key) or "")[:SHOWN_KEY]
    reason = letter.reason if len(letter.reason) <= SHOWN_REASON else f"{letter.reason[:SHOWN_REASON]}…"
    when = letter.time[:19].replace("T", " ")
    return str(letter.place), when, letter.role, place_text(letter), key, letter.size, reason, fate
