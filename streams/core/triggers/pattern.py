"""``pattern``: readings of a key that mean something together start the process.

    for: 5m                        the condition holds for five minutes without a break
    count: 3, within: 10m          three readings for which it holds, in ten minutes
    sequence: [a, b], within: 10m  one for which a holds, then one for which b does
    absent: 2m                     no reading, or none for which the condition holds
    deadband: {value: fields.t, on: 80, off: 75}     above 80, until it is below 75
    re_alarm: 1h                   again every hour, while it still holds

What each means in all its cases is told in ``streams.core.patterns``.  ``for``, ``deadband``, ``re_alarm``,
``off_delay`` and ``max_gap`` go together; ``re_alarm`` goes with ``absent`` too.

The router asks the compiled form of each reading which conditions hold, and sends what may count to the processor,
which keeps a window for each key and starts the process when its pattern matches.  Starts are treated as those of any
trigger: ``mode`` says what becomes of one while the key has a running instance.
"""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from streams.core.expressions import Expression, ExpressionSyntaxError, compile_expression
from streams.core.patterns import Absence, Count, Form, Level, Sequence
from streams.core.scalars import Condition, Duration, KeyText, Part, Topic, syntax_error
from streams.core.triggers.redpanda import ReadingTrigger

MAX_COUNT = 50
MAX_STEPS = 8
MAX_KEYS = 1_000
LEVEL = ("for", "deadband", "re_alarm", "off_delay")
FORMS = (*LEVEL[:3], "count", "sequence", "absent")
NEEDED_BY = {"within": ("count", "sequence"), "keys": ("absent",), "max_gap": LEVEL}
Test = tuple[tuple[Expression, ...], bool]
"""Conditions, and whether all of them must hold."""


def _number(text: str) -> str:
    try:
        return compile_expression(text).text
    except ExpressionSyntaxError as error:
        raise syntax_error(error) from error


Number = Annotated[str, AfterValidator(_number), Field(description="CEL, a number: fields.flow_temp_c")]
Limit = Annotated[float, Field(strict=False, allow_inf_nan=False)]


class Deadband(Part):
    """On above ``on``, off below ``off``; where ``on`` is the lower one, on below it and off above ``off``."""

    value: Number
    on: Limit
    off: Limit

    @model_validator(mode="after")
    def _is_a_band(self) -> Self:
        if self.on == self.off:
            fix = "Write 'off' below 'on', for a low alarm above it"
            raise _wrong("off", "Expected 'on' and 'off' of a deadband to differ, but both are {on}", fix, on=self.on)
        return self

    @property
    def conditions(self) -> tuple[str, str]:
        """On, and off."""
        above, below = (">", "<") if self.on > self.off else ("<", ">")
        return f"({self.value}) {above} {self.on!r}", f"({self.value}) {below} {self.off!r}"


class PatternTrigger(ReadingTrigger):
    """``lateness``: readings may come so much later than newer ones of their key, and all is decided that much later.

    ``cooldown`` is of the readings' time, not of the starts': a match within it after the last one of its key starts
    nothing.  ``keys`` are missed even if they were never seen.
    """

    starts_each: ClassVar[bool] = False

    type: Literal["pattern"]
    topic: Topic
    for_: Duration | None = Field(None, alias="for")
    deadband: Deadband | None = None
    off_delay: Duration | None = None
    re_alarm: Duration | None = None
    max_gap: Duration | None = None
    count: Annotated[int, Field(ge=2, le=MAX_COUNT)] | None = None
    sequence: Annotated[tuple[Condition, ...], Field(strict=False, min_length=2, max_length=MAX_STEPS)] | None = None
    within: Duration | None = None
    absent: Duration | None = None
    keys: Annotated[tuple[KeyText, ...], Field(strict=False, min_length=1, max_length=MAX_KEYS)] | None = None
    lateness: Duration | None = None

    @model_validator(mode="after")
    def _is_one_form(self) -> Self:
        given = [name for name in (*FORMS, "off_delay") if self._has(name)]
        kinds = {_kind(name) for name in given} - ({"level"} if given == ["re_alarm", "absent"] else set())
        if len(kinds) != 1 or given == ["off_delay"]:
            several = len(kinds) > 1
            raise _wrong(
                given[1] if several else "type",
                "Expected one of 'for', 'count', 'sequence', 'absent', 'deadband' and 're_alarm', but got {given}",
                "Write two triggers" if several else "Write 'for: 5m'; without a pattern it is 'type: redpanda'",
                given=" and ".join(map(repr, given)) or "none of them",
            )
        for name, forms in NEEDED_BY.items():
            if self._has(name) and not any(self._has(form) for form in forms):
                raise _wrong(
                    name, "Expected {name} beside {forms} only", "Remove it", name=repr(name), forms=_or(forms)
                )
        if self.within is None and kinds <= {"count", "sequence"}:
            raise _wrong(
                "type", "Expected 'within' beside '{form}', but it is missing", "Add 'within: 10m'", form=given[0]
            )
        self._check_conditions(kinds.pop())
        return self

    def _check_conditions(self, kind: str) -> None:
        named = next((name for name in ("condition", "all", "any") if self._has(name)), None)
        own = "deadband" if self.deadband is not None else "sequence" if kind == "sequence" else None
        if own is not None and named is not None:
            fix = f"Remove {named!r}; a deadband's 'value' may be an expression" if own == "deadband" else "Remove one"
            raise _wrong(named, "Expected no {named} beside '{own}'", fix, named=repr(named), own=own)
        if kind == "level" and own is None and named is None:
            raise _wrong("type", "Expected a condition that holds, but it is missing", "Add 'condition: fields.t > 80'")

    def _has(self, name: str) -> bool:
        return getattr(self, "for_" if name == "for" else name) is not None

    def reads(self) -> Iterable[tuple[tuple[str | int, ...], Expression]]:
        yield from super().reads()
        if self.deadband is not None:
            yield ("deadband", "value"), compile_expression(self.deadband.value)
        for index, text in enumerate(self.sequence or ()):
            yield ("sequence", index), compile_expression(text)

    @property
    def listens_to(self) -> str:
        return self.topic

    @property
    def named(self) -> str:
        """What people call the pattern: the field that makes it one."""
        return next(name for name in ("count", "sequence", "absent", *LEVEL) if self._has(name))

    def form(self) -> Form:
        """The machine."""
        if self.count is not None and self.within is not None:
            return Count(self.count, within=self.within)
        if self.sequence is not None and self.within is not None:
            return Sequence(len(self.sequence), within=self.within)
        if self.absent is not None:
            return Absence(self.absent, self.re_alarm)
        return Level(
            on_delay=self.for_ or 0,
            off_delay=self.off_delay or 0,
            re_alarm=self.re_alarm,
            max_gap=self.max_gap,
            hysteresis=self.deadband is not None,
        )

    def conditions(self) -> tuple[Test, ...]:
        """One for each of the form's truths."""
        if self.deadband is not None:
            return tuple(((compile_expression(text),), True) for text in self.deadband.conditions)
        if self.sequence is not None:
            return tuple(((compile_expression(text),), True) for text in self.sequence)
        return ((tuple(expression for _, expression in ReadingTrigger.reads(self)), self.any is None),)


def _kind(name: str) -> str:
    return "level" if name in LEVEL else name


def _or(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names[:-1])) + f" or {names[-1]!r}" if len(names) > 1 else repr(names[0])


def _wrong(field: str, message: str, fix: str, **context: Any) -> PydanticCustomError:
    return PydanticCustomError("pattern", message, {"field": field, "fix": fix, **context})
