"""``timer``: wait for a while, or until a moment; in plant time.

```yaml
- {id: settle, type: timer, duration: 5m}                       # or "${minutes}m"
- {id: night, type: timer, until: "22:00", time_zone: Europe/Berlin}
- {id: promised, type: timer, until: "${deadline}"}             # a date and time, of a variable
```
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from streams.core.activities.base import Continuing, Kind, Node, Place
from streams.core.durations import parse_duration_ms
from streams.core.expressions import Expression, Template, compile_template
from streams.core.moments import zone
from streams.core.scalars import Span, TextTemplate
from streams.core.wall_times import ZoneName, check_wall_time


def _until(text: str) -> str:
    return text if "${" in text else check_wall_time(text)


Until = Annotated[
    TextTemplate, AfterValidator(_until), Field(description="22:00, 2026-12-24T18:00, or ${expressions} for one")
]


class Timer(Continuing):
    """``duration`` counts from the moment the activity is entered.  ``until`` is the next time that the clock of
    ``time_zone`` shows a time of day, or a date and time; one that has passed is not waited for, and one that the clock
    skips is right after the gap.
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["duration"]}, {"required": ["until"]}]})

    type: Literal["timer"]
    duration: Span | None = None
    until: Until | None = None
    time_zone: ZoneName = "UTC"

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.duration is None and self.until is None:
            fix = "Write 'duration: 5m'"
            raise PydanticCustomError("timer", "Expected 'duration' or 'until', but there is neither", {"fix": fix})
        if self.duration is not None and self.until is not None:
            message = "Expected one of 'duration' and 'until', but got both"
            raise PydanticCustomError("timer", message, {"field": "until", "fix": "Remove one of them"})
        if self.until is None and self.time_zone != "UTC":
            message = "Expected no 'time_zone' beside 'duration', which no wall clock changes"
            raise PydanticCustomError("timer", message, {"field": "time_zone"})
        return self

    def fixed_ms(self) -> int | None:
        """How long it takes, where the definition tells: milliseconds of plant time."""
        return None if self.duration is None or "${" in self.duration else parse_duration_ms(self.duration)

    def asked(self) -> Template:
        """What entering renders."""
        name = "until" if self.duration is None else "duration"
        return compile_template({name: getattr(self, name)}, texts=frozenset({name}))

    def reads(self) -> Iterable[tuple[Place, Expression]]:
        return self.asked().places

    def waits(self) -> bool:
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerNode(Node):
    """``duration_ms`` in plant time; where it is ``None``, ``asked`` renders to ``duration`` or ``until``, a text."""

    duration_ms: int | None
    asked: Template
    zone: ZoneInfo


def _compile(model: Timer) -> TimerNode:
    return TimerNode(
        id=model.id,
        next=model.next,
        duration_ms=model.fixed_ms(),
        asked=model.asked(),
        zone=zone(model.time_zone),
    )


TIMER = Kind(Timer, _compile)
