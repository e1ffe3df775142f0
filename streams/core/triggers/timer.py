"""``timer`` (also ``schedule``, ``time_schedule``): the clock starts the process.

``every`` an interval, ``cron`` by a wall clock, or ``at`` times of day and instants.  What a clock that is put forward
or back does to them is told in ``streams.core.moments.walls``.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from streams.core.durations import MAX_DURATION_MS
from streams.core.moments import Cron, CronError, Daily, Every, Moments, Once, parse_cron, zone
from streams.core.scalars import Duration, KeyText, duration_text
from streams.core.triggers.base import Trigger
from streams.core.wall_times import ZoneName, check_wall_time, parse_wall_time, wall_ms

CatchUp = Literal["none", "last", "all"]
MIN_EVERY_MS = 1_000
MOST = 100
FORMS = ("every", "cron", "at")
SOME_YEAR_MS = 1_767_225_600_000  # 2026


def _cron(text: str) -> str:
    try:
        parse_cron(text)
    except CronError as error:
        fix = "Write five fields, such as '0 6 * * 1-5' for 06:00 from Monday to Friday"
        raise PydanticCustomError("cron", "{message}", {"message": str(error), "fix": fix}) from None
    return text


def _some(texts: tuple[str, ...]) -> tuple[str, ...]:
    if not texts:
        raise PydanticCustomError("at", "Expected at least one element, but the list is empty")
    return texts


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


CronText = Annotated[str, AfterValidator(_cron), Field(description="minute hour day month weekday: 0 6 * * 1-5")]
AtText = Annotated[str, AfterValidator(check_wall_time)]
AtList = Annotated[
    tuple[AtText, ...],
    Field(strict=False, max_length=MOST),
    BeforeValidator(_as_list, json_schema_input_type=AtText | list[AtText]),
    AfterValidator(_some),
]


class TimerTrigger(Trigger):
    """One of ``every``, ``cron`` and ``at``; ``time_zone`` is whose wall clock the latter two go by.

    ``every`` counts from midnight UTC of 1 January 1970 plus ``offset``.  ``jitter`` puts each start off by up to so
    much, always the same for a moment.  ``key`` is the business key of what it starts, by default the definition's id.

    A moment for which the plant was stopped has passed when it comes back.  ``catch_up`` says what starts then: with
    ``none`` the newest moment, unless that is older than ``max_age``; with ``last`` the newest, however old; with
    ``all`` each of them, at most the newest ``max_catch_up``.  All times are plant time.
    """

    type: Literal["timer"]
    every: Duration | None = None
    offset: Duration | None = None
    cron: CronText | None = None
    at: AtList | None = None
    time_zone: ZoneName = "UTC"
    jitter: Duration | None = None
    key: KeyText | None = None
    catch_up: CatchUp = "none"
    max_age: Annotated[Duration, Field(json_schema_extra={"default": "10m"})] = 600_000
    max_catch_up: Annotated[int, Field(ge=1, le=MOST)] = MOST

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [name for name in FORMS if getattr(self, name) is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "timer",
                "Expected one of 'every', 'cron' and 'at', but got {given}",
                {
                    "given": " and ".join(map(repr, given)) or "none of them",
                    "field": given[1] if given else "type",
                    "fix": "Write 'every: 5m', or two triggers",
                },
            )
        if self.every is not None and self.every < MIN_EVERY_MS:
            raise _wrong("every", "Expected an interval of at least 1s, but got {ms} ms", ms=self.every)
        if self.offset is not None and (self.every is None or self.offset >= self.every):
            raise _wrong("offset", "Expected 'offset' beside 'every', and below it")
        if self.every is not None and self.time_zone != "UTC":
            raise _wrong("time_zone", "Expected no 'time_zone' beside 'every', which no wall clock changes")
        if self.at is not None and len({type(parse_wall_time(one)) for one in self.at}) > 1:
            raise _wrong("at", "Expected either times of day or dates and times under 'at', but got both")
        if self.jitter is not None and self.jitter >= (shortest := _shortest(self.moments())):
            raise _wrong(
                "jitter",
                "Expected 'jitter' below {shortest}, the shortest time between two moments",
                shortest=duration_text(shortest),
            )
        return self

    def moments(self) -> Moments:
        """When it comes."""
        if self.every is not None:
            return Every(self.every, self.offset or 0)
        where = zone(self.time_zone)
        if self.cron is not None:
            return Cron.of(self.cron, where)
        parsed = [parse_wall_time(one) for one in self.at or ()]
        times = sorted({one for one in parsed if isinstance(one, time)})
        if times:
            return Daily(tuple(times), where)
        return Once(tuple(sorted({wall_ms(one, where) for one in parsed if isinstance(one, datetime)})))

    def sources(self) -> frozenset[str] | None:
        """The moment as it was meant, and when it came: RFC 3339 texts."""
        return frozenset({"nominal", "actual"})


def _shortest(moments: Moments) -> int:
    """The shortest time between two of the first moments of a year: milliseconds."""
    gaps = [MAX_DURATION_MS]
    at = moments.next_after(SOME_YEAR_MS)
    while at is not None and len(gaps) < MOST and (following := moments.next_after(at)) is not None:
        gaps.append(following - at)
        at = following
    return min(gaps)


def _wrong(field: str, message: str, **context: Any) -> PydanticCustomError:
    return PydanticCustomError("timer", message, {"field": field, **context})


@dataclass(frozen=True, slots=True)
class CompiledTimer:
    """``index`` is the trigger's place in the definition; instants and durations in milliseconds of plant time.

    ``spec`` is the same as long as it comes at the same moments: a new version goes on where the old one was.
    """

    definition_id: str
    index: int
    moments: Moments
    spec: str
    key: str
    jitter_ms: int
    catch_up: CatchUp
    max_age_ms: int
    most: int

    def due(self, nominal: int) -> int:
        """When the start of the moment ``nominal`` is due: later by its jitter."""
        if not self.jitter_ms:
            return nominal
        digest = hashlib.blake2b(f"{self.definition_id}/{self.index}/{nominal}".encode(), digest_size=8).digest()
        return nominal + int.from_bytes(digest, "big") % self.jitter_ms


def compile_timer(index: int, model: TimerTrigger, definition_id: str) -> CompiledTimer:
    """The runtime form."""
    form = next(name for name in FORMS if getattr(model, name) is not None)
    spec = f"{form}={getattr(model, form)} {model.offset or 0} {model.time_zone}"
    return CompiledTimer(
        definition_id=definition_id,
        index=index,
        moments=model.moments(),
        spec=hashlib.blake2b(spec.encode(), digest_size=8).hexdigest(),
        key=model.key or definition_id,
        jitter_ms=model.jitter or 0,
        catch_up=model.catch_up,
        max_age_ms=model.max_age,
        most=model.max_catch_up,
    )
