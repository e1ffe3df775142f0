"""What a ``*.test.yaml`` says, as models.

```yaml
definitions: [pump.yaml]              # default: the definition of the same name; several see each other
tests:
  - name: too hot
    start: 2026-03-02T04:00:00Z       # plant time at which the test begins
    interval: 1m                      # between two values of a series
    input:                            # readings: the n-th value of each series, n intervals after `at`
      - {topic: heatpump-telemetry, tags: {device_id: p1}, series: {fields.flow_temp_c: '31x4 20'}}
      - {topic: device-events, at: 3m, tags: {device_id: p1}, fields: {event: alarm}}      # one reading
    do:                               # commands, by their type: `steps`
      - {at: 3m, complete_task: {activity: approve, user: mia, outcome: approved}}
    stubs:                            # what an activity, or an action, answers instead of being done; then the last
      order: [{error: unavailable, retryable: true}, {output: {number: 7}}]
    until: 1h                         # how far the test goes; default: the last input or command
    expect:                           # `count` instances, 1 by default, are like this: at the end, or `at` some time
      - {process: pump, key: p1, status: completed, path: [check, order], variables: {number: 7}, messages: [Ordered]}
    effects:                          # `count` actions, 1 by default, were done like this
      - {action: mqtt_publish, activity: order, config: {topic: orders}, outcome: completed}
```

Times are durations from the test's start.  At one moment what is due comes first, then readings, then commands, then
what is expected.  Actions that no stub answers for are done on fakes; ``script`` runs in its sandbox.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from streams.core.durations import MAX_DURATION_MS, parse_duration_ms, parse_instant_ms
from streams.core.scalars import (
    DURATION_PATTERN,
    ActivityId,
    DefinitionId,
    Duration,
    KeyText,
    Part,
    Title,
    Topic,
    VariableName,
)
from streams.core.state import InstanceStatus
from weir.testkit.series import SeriesError, listed, parse_series
from weir.testkit.steps import Step

SUFFIXES = (".test.yaml", ".test.yml")
START_MS = parse_instant_ms("2026-01-01T00:00:00Z")
MINUTE_MS = 60_000
MAX_CASES = 1_000


def is_test(name: str) -> bool:
    """Whether a file of that name holds tests, and no definition."""
    return name.endswith(SUFFIXES)


def _at(value: Any) -> int:
    if value in (0, "0", "0s", "0m"):
        return 0
    if isinstance(value, str):
        try:
            return parse_duration_ms(value)
        except ValueError as error:
            raise PydanticCustomError("duration", "{message}", {"message": str(error)}) from None
    raise PydanticCustomError(
        "duration", "Expected a duration such as '30s' or '1h30m', but got {value}", {"value": repr(value)}
    )


def _start(value: Any) -> int:
    try:
        return parse_instant_ms(value)
    except (TypeError, ValueError):
        message = "Expected an instant such as '2026-03-02T04:00:00Z', but got {value}"
        raise PydanticCustomError("instant", message, {"value": repr(value)}) from None


def _series(value: Any) -> tuple[Any, ...]:
    try:
        if isinstance(value, list):
            return listed(value)
        return parse_series(value if isinstance(value, str) else str(value))
    except SeriesError as error:
        raise PydanticCustomError("series", "{message}", vars(error) | {"message": str(error)}) from None


At = Annotated[
    int,
    BeforeValidator(_at),
    Field(ge=0, le=MAX_DURATION_MS),
    WithJsonSchema(
        {
            "description": "How long after the test's start: 30s, 1h30m, 0",
            "anyOf": [{"type": "string", "pattern": DURATION_PATTERN}, {"const": 0}, {"const": "0"}],
        }
    ),
]
"""Milliseconds from the test's start."""
Start = Annotated[
    int,
    BeforeValidator(_start),
    WithJsonSchema({"type": "string", "description": "Plant time at which the test begins: 2026-03-02T04:00:00Z"}),
]
Series = Annotated[
    tuple[Any, ...],
    BeforeValidator(_series),
    WithJsonSchema(
        {
            "description": "One value an interval: '20+1x3' is 20 21 22 23, '_' none; or a list, null for none",
            "anyOf": [{"type": ["string", "number"]}, {"type": "array", "minItems": 1}],
        }
    ),
]
FieldPath = Annotated[str, Field(pattern=r"^(fields|tags)(\.[^.]+)+$")]
Count = Annotated[int, Field(ge=0)]


class Input(Part):
    """Readings of a telemetry topic.  ``key`` is the record's; ``tags`` and ``fields`` are in each reading.

    ``series`` has the values at a path by their time; without any there is one reading.
    """

    topic: Topic
    key: KeyText | None = None
    at: At = 0
    tags: dict[str, Any] = Field(default_factory=dict)
    fields: dict[str, Any] = Field(default_factory=dict)
    series: dict[FieldPath, Series] = Field(default_factory=dict)

    @property
    def length(self) -> int:
        """How many times there may be a reading."""
        return max(map(len, self.series.values()), default=1)


class When(Part):
    """Of a step, beside its command."""

    at: At = 0
    refused: Title | None = None


class Answer(Part):
    """What a stub answers: an output, or an error of that type."""

    output: dict[str, Any] | None = None
    error: Title | None = None
    message: str = "stubbed"
    retryable: bool = False

    @model_validator(mode="after")
    def _one(self) -> "Answer":
        if (self.output is None) == (self.error is None):
            raise PydanticCustomError("answer", "Expected either 'output' or 'error'")
        return self


class Expected(Part):
    """Instances: how many there are that are like this.  ``variables`` and ``messages`` may be fewer than there are."""

    at: At | None = None
    process: DefinitionId | None = None
    key: KeyText | None = None
    status: InstanceStatus | None = None
    path: Annotated[tuple[ActivityId, ...], Field(strict=False)] | None = None
    variables: dict[VariableName, Any] = Field(default_factory=dict)
    messages: Annotated[tuple[str, ...], Field(strict=False)] = ()
    count: Count = 1


class Done(Part):
    """Actions: how many were done like this.  ``config`` may be less than there is; ``outcome`` an error's type."""

    action: Title | None = None
    activity: ActivityId | None = None
    key: KeyText | None = None
    config: Any = None
    outcome: Title = "completed"
    count: Count = 1


class Case(Part):
    """One test."""

    name: Title
    start: Start = START_MS
    interval: Duration = MINUTE_MS
    input: tuple[Input, ...] = ()
    do: tuple[Step, ...] = ()
    stubs: dict[str, Annotated[tuple[Answer, ...], Field(strict=False, min_length=1)]] = Field(default_factory=dict)
    until: At | None = None
    expect: tuple[Expected, ...] = ()
    effects: tuple[Done, ...] = ()

    @model_validator(mode="after")
    def _asks(self) -> "Case":
        if not self.expect and not self.effects:
            fix = "Nothing has started? Say so: 'expect: [{count: 0}]'"
            raise PydanticCustomError("asks", "Expected 'expect' or 'effects': this test asks nothing", {"fix": fix})
        for place, at in [(("do", n), one.at) for n, one in enumerate(self.do)] + [
            (("expect", n), one.at or 0) for n, one in enumerate(self.expect)
        ]:
            if self.until is not None and at > self.until:
                raise PydanticCustomError("late", "Expected a time up to the test's 'until'", {"place": place})
        return self

    @property
    def end(self) -> int:
        """How far the test goes, in milliseconds from its start."""
        if self.until is not None:
            return self.until
        readings = [one.at + self.interval * (one.length - 1) for one in self.input]
        return max([0, *readings, *(one.at for one in self.do), *(one.at or 0 for one in self.expect)])


class Suite(Part):
    """A file.  ``definitions`` are files beside it."""

    definitions: Annotated[tuple[Title, ...], Field(strict=False, min_length=1)] | None = None
    tests: Annotated[tuple[Case, ...], Field(min_length=1, max_length=MAX_CASES)]
