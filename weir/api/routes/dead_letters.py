"""Dead letters: records that could not be used, seen and settled by operators.

They are read from their topic, which is small as long as it is looked after.  One request at a time does so.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
from aiokafka.errors import KafkaError
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from streams.core.durations import instant_ms
from streams.log import LogError, opened
from streams.topics import load_topics
from weir.api.auth import Principal, needs
from weir.api.documents import shows
from weir.api.following.answers import record_shown_to
from weir.api.moments import Moment
from weir.api.problems import ProblemError, unavailable
from weir.api.quick import answer
from weir.letters.document import document, text_of
from weir.letters.letter import Place, What
from weir.letters.reading import LetterError, find, partitions, whole
from weir.letters.selection import Selection
from weir.letters.settling import Order, Settled, desk

MAX_LIMIT = 1_000
READ_S = 20.0
_one_at_a_time = asyncio.Lock()
LetterId = Annotated[str, Field(pattern=r"^(\d{1,5}:)?\d{1,18}$")]
Who = Annotated[Principal, needs("processes:execute")]

router = APIRouter(prefix="/dead-letters")


class Letter(msgspec.Struct):
    """``source`` is where the record came from; ``fate`` what became of the letter, ``null`` while it is open."""

    id: str
    time: str | None
    role: str | None
    source: dict[str, Any] | None
    key: str | None
    size: int
    cut_from: int | None
    reason: str
    definitions: list[str]
    retry_of: str | None
    fate: dict[str, Any] | None


class WholeLetter(Letter):
    """With its record: ``value`` as text, where bytes that are none are escaped; without answers to tasks, unless one
    sees all tasks.
    """

    headers: list[tuple[str, str | None]]
    value: str | None


class LetterPage(msgspec.Struct):
    """The newest first; ``total`` is of all that were asked for."""

    items: list[Letter]
    total: int


class Outcome(msgspec.Struct):
    """Letters that were settled, and those that were not, each with ``why``."""

    settled: list[Letter]
    left: list[dict[str, Any]]
    dry_run: bool


class Which(BaseModel):
    """Every condition that is given must hold.  ``reason`` is a part of the reason's text; times are wall time."""

    model_config = ConfigDict(extra="forbid")

    role: Annotated[str, Field(max_length=100)] | None = None
    topic: Annotated[str, Field(max_length=300)] | None = None
    since: Moment | None = None
    until: Moment | None = None
    reason: Annotated[str, Field(max_length=1_000)] | None = None

    def selection(self, places: tuple[Place, ...] = ()) -> Selection:
        """As letters are found."""
        since, until = (None if one is None else instant_ms(one) for one in (self.since, self.until))
        return Selection(places, self.role, self.topic, since, until, self.reason)


class Listed(Which):
    """``all``: settled ones too."""

    all: bool = False
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 50


class Settle(Which):
    """Which open letters, by ``ids`` or by conditions, and ``why``."""

    ids: Annotated[list[LetterId], Field(max_length=MAX_LIMIT)] = []
    why: Annotated[str, Field(max_length=1_000)] = ""
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = MAX_LIMIT
    dry_run: bool = False


EXAMPLE: dict[str, Any] = {
    "id": "0:17",
    "time": "2026-09-21T14:13:20.000Z",
    "role": "processor",
    "source": {"topic": "process-commands", "partition": 3, "offset": 1205},
    "key": "pump-3",
    "size": 120,
    "cut_from": None,
    "reason": "Not a command: Object contains unknown field `foo`",
    "definitions": [],
    "retry_of": None,
    "fate": None,
}


@router.get(
    "",
    response_model=None,
    responses=shows(LetterPage, {"items": [EXAMPLE], "total": 1}),
    dependencies=[needs("processes:view")],
)
async def letters(request: Request, asked: Annotated[Listed, Query()]) -> Response:
    """Dead letters, the newest first."""
    settings = request.app.state.settings
    async with _reading(), opened(settings) as log:
        found = await find(log, await log.settled(partitions(load_topics(settings))), asked.selection())
    chosen = [one for one in found if asked.all or one.fate is None]
    shown = sorted(chosen, key=lambda one: one.place, reverse=True)[: asked.limit]
    return answer({"items": [document(one) for one in shown], "total": len(chosen)})


@router.get(
    "/{letter_id}",
    response_model=None,
    responses=shows(WholeLetter, EXAMPLE | {"headers": [], "value": "{}"}),
)
async def letter(
    letter_id: Annotated[LetterId, Path()], request: Request, who: Annotated[Principal, needs("processes:view")]
) -> Response:
    """A dead letter with its record; answers to tasks in it are shown to those who see all tasks."""
    settings, place = request.app.state.settings, Place.parse(letter_id)
    async with _reading(), opened(settings) as log:
        spans = await log.settled(partitions(load_topics(settings)))
        found = await find(log, spans, Selection(places=(place,)))
        if not found:
            raise _unknown([place])
        one = await whole(log, spans, found[0])
    headers = [(name, text_of(content)) for name, content in one.headers]
    return answer({**document(one), "headers": headers, "value": text_of(record_shown_to(who, one.value))})


OUTCOME = shows(Outcome, {"settled": [EXAMPLE], "left": [], "dry_run": False})


@router.post("/retry", response_model=None, responses=OUTCOME)
async def retry(body: Settle, request: Request, who: Who) -> Response:
    """Send the records of open letters to where they came from, for who gave them up."""
    return await _settle(request, body, "retried", who)


@router.post("/drop", response_model=None, responses=OUTCOME)
async def drop(body: Settle, request: Request, who: Who) -> Response:
    """Settle open letters without doing anything with their records."""
    return await _settle(request, body, "dropped", who)


async def _settle(request: Request, body: Settle, what: What, who: Principal) -> Response:
    settings = request.app.state.settings
    selection = body.selection(tuple(Place.parse(one) for one in body.ids))
    if selection.is_empty:
        message = "Expected ids, or at least one condition: not all letters there are"
        fix = "Name letters, a role, a topic, a time or a part of the reason."
        raise ProblemError(422, "invalid_request", message, fix, errors=[("body.ids", message)])
    async with _reading(), desk(settings, load_topics(settings), dry_run=body.dry_run) as here:
        settled = await here.settle(Order(what, selection, who.id, body.why, body.limit))
    if unknown := set(selection.places) - {one.place for one in _all(settled)}:
        raise _unknown(sorted(unknown))
    left = [{**document(one), "why": why} for one, why in settled.left]
    return answer({"settled": [document(one) for one in settled.done], "left": left, "dry_run": body.dry_run})


def _all(settled: Settled) -> list[Any]:
    return [*settled.done, *(one for one, _ in settled.left)]


@asynccontextmanager
async def _reading() -> AsyncIterator[None]:
    """Raises ``ProblemError`` when Kafka is away, or others read for too long."""
    try:
        async with asyncio.timeout(READ_S), _one_at_a_time:
            yield
    except (KafkaError, LogError, LetterError, TimeoutError) as error:
        detail = f"Dead letters cannot be read now: {error or type(error).__name__}"
        raise unavailable("dead_letters_unreachable", detail, "Try again.", 1) from error


def _unknown(places: list[Place]) -> ProblemError:
    detail = f"There is no dead letter {', '.join(map(str, places))}"
    return ProblemError(404, "unknown_letter", detail, "GET /dead-letters?all=true shows them.")
