"""A trigger of type ``pattern``, compiled: what of a reading matters to it, and what of it is kept and told."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from streams.core.expressions import MISSING, Path
from streams.core.expressions.path import Steps, follow, spell
from streams.core.patterns import Absence, Count, Level, Pattern, Sequence
from streams.core.triggers.pattern import PatternTrigger, Test
from streams.core.triggers.redpanda import TelemetryTrigger, hold

MAX_VALUES = 4
"""Values of a reading that a match tells, each a number, true or false, or the beginning of a text."""
MAX_VALUE_TEXT = 40
_SAME = frozenset({"mode", "max", "priority", "max_age", "cooldown"})
"""What may change without a change of the pattern."""


@dataclass(frozen=True, slots=True)
class CompiledPattern:
    """What the router asks of each reading, and the ``pattern`` that the processor keeps windows for.

    ``index`` is the trigger's place in the definition; ``trigger`` tells topic, key and age; ``values`` are the places
    of the values that a match tells of its readings; ``name`` is what people call the pattern.
    """

    index: int
    pattern: Pattern
    trigger: TelemetryTrigger
    tests: tuple[Test, ...]
    values: tuple[Steps, ...]
    keys: frozenset[str]
    name: str

    @property
    def topic(self) -> str:
        return self.trigger.topic

    @property
    def key(self) -> Path | None:
        return self.trigger.key

    def look(self, reading: dict[str, Any]) -> list[bool] | None:
        """Which of the conditions hold; ``None`` when the reading does not matter to the pattern.

        A reading that lacks a field matters to an absence, and to the other steps of a sequence.  Raises
        ``ExpressionError`` like ``TelemetryTrigger.matches``.
        """
        truths = [hold(conditions, reading, needs_all=needs_all) for conditions, needs_all in self.tests]
        match self.pattern.form:
            case Level():
                return None if None in truths else [bool(one) for one in truths]
            case Count() | Sequence():
                return [bool(one) for one in truths] if any(truths) else None
        return [bool(one) for one in truths]

    @property
    def is_absence(self) -> bool:
        """Whether it waits for readings that do not come."""
        return isinstance(self.pattern.form, Absence)

    def may_start(self, truths: list[bool]) -> bool:
        """Whether a process may be started on the reading, so that its variables are wanted."""
        form = self.pattern.form
        return truths[0] or not isinstance(form, Level) or (form.hysteresis and not truths[1])

    def values_of(self, reading: dict[str, Any]) -> list[Any]:
        """What is told of the reading; null for what is not there, and for lists and objects."""
        return [_told(follow(reading, steps)) for steps in self.values]

    def named(self, values: list[Any]) -> dict[str, Any]:
        """``values_of`` with where they stand."""
        return {spell(steps): value for steps, value in zip(self.values, values, strict=False)}


def compile_pattern(index: int, model: PatternTrigger, variables: Any) -> CompiledPattern:
    """``variables`` is JSON: with what else, besides the pattern, windows are no longer of use when it changes."""
    meaning = {name: value for name, value in model.model_dump(mode="json").items() if name not in _SAME}
    text = json.dumps([meaning, variables], sort_keys=True)
    steps = dict.fromkeys(steps for _, expression in model.reads() for steps in expression.paths)
    return CompiledPattern(
        index=index,
        pattern=Pattern(
            form=model.form(),
            fingerprint=hashlib.blake2b(text.encode(), digest_size=8).hexdigest(),
            lateness=model.lateness or 0,
            cooldown=model.cooldown or 0,
        ),
        trigger=model.compiled(model.topic),
        tests=model.conditions(),
        values=tuple(steps)[:MAX_VALUES],
        keys=frozenset(model.keys or ()),
        name=model.named,
    )


def _told(value: Any) -> Any:
    if value is MISSING or isinstance(value, dict | list):
        return None
    return value[:MAX_VALUE_TEXT] if isinstance(value, str) else value
