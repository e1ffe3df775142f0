"""``weir dead-letters show ID``: one letter, whole."""

import asyncio
import base64
from typing import Annotated, Any

import msgspec
import typer

from streams.codec import BadRecordError, decode_command, decode_reading
from streams.log import opened
from weir.cli import options
from weir.cli.dead_letters.list_ import place_text
from weir.cli.dead_letters.options import place_of
from weir.cli.errors import CliError
from weir.cli.output import out, print_json
from weir.cli.session import Session, session_of
from weir.letters.document import document, text_of
from weir.letters.letter import Letter, Place
from weir.letters.reading import find, partitions, whole
from weir.letters.selection import Selection

SHOWN_BYTES = 4_000
LetterId = Annotated[str, typer.Argument(metavar="ID", help="The letter, as `list` names it.", show_default=False)]


def show(ctx: typer.Context, letter: LetterId, *, json: options.Json = False) -> None:
    """Show a dead letter: why it is one, where it came from, its headers and its record."""
    session = session_of(ctx)
    found = asyncio.run(_read(session, place_of(letter)))
    decoded, problem = _decode(session, found)
    if json:
        value = None if found.value is None else base64.b64encode(found.value).decode()
        headers = [[name, text_of(content)] for name, content in found.headers]
        told = {"headers": headers, "value": text_of(found.value), "value_base64": value}
        print_json({**document(found), **told, "decoded": decoded, "decoding": problem})
        return
    for name, text in _lines(found, problem):
        out().print(f"{name:12} {text}", markup=False, soft_wrap=True)
    out().print(_record(found, decoded), markup=False, soft_wrap=True)


def _lines(letter: Letter, problem: str | None) -> list[tuple[str, str]]:
    lines = [
        ("letter", str(letter.place)),
        ("time", letter.time),
        ("given up by", letter.role),
        ("from", place_text(letter)),
        ("reason", letter.reason),
        ("key", text_of(letter.key) or "none"),
        *((f"header {name}", text_of(content) or "") for name, content in letter.headers),
    ]
    if letter.definitions:
        lines.append(("failed for", ", ".join(letter.definitions)))
    if letter.fate is not None:
        fate = letter.fate
        why = f": {fate.why}" if fate.why else ""
        lines.append(("fate", f"{fate.what} by {fate.by} at {fate.time}{why}"))
    if problem is not None:
        lines.append(("decoding", problem))
    return lines


def _record(letter: Letter, decoded: Any) -> str:
    if decoded is not None:
        return msgspec.json.format(msgspec.json.encode(decoded)).decode()
    if letter.value is None:
        return "no value"
    shown = text_of(letter.value[:SHOWN_BYTES]) or ""
    return shown if letter.size <= SHOWN_BYTES else f"{shown}… ({letter.size} bytes; --json has them all)"


def _decode(session: Session, letter: Letter) -> tuple[Any, str | None]:
    """The record as a role would read it now; or why it cannot be."""
    topics = session.topics
    topic = "" if letter.source is None else letter.source.topic
    try:
        if topic == topics.commands.name:
            return msgspec.to_builtins(decode_command(letter.value)), None
        if topic in topics.telemetry or topic.startswith("mqtt:"):
            return decode_reading(letter.value), None
    except BadRecordError as error:
        return None, str(error)
    return None, None


async def _read(session: Session, place: Place) -> Letter:
    async with opened(session.settings) as log:
        spans = await log.settled(partitions(session.topics))
        for letter in await find(log, spans, Selection(places=(place,))):
            return await whole(log, spans, letter)
    raise CliError(
        f"There is no dead letter {place}.", "`weir dead-letters list --all` shows them.", reason="unknown_letter"
    )
