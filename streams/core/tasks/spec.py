"""How a definition says whom a task asks, when it reminds and escalates, and what its form is."""

from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from streams.core.durations import instant, parse_duration_ms, parse_instant_ms, planned_ms
from streams.core.expressions import Template, compile_template
from streams.core.scalars import Duration, Part, TextTemplate
from streams.core.tasks.form import FormError, compile_form
from streams.core.tasks.moments import MAX_REMINDERS, Level, Reminders

MAX_NAMES = 50
MAX_LEVELS = 10
MAX_PRIORITY = 100


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[
    tuple[TextTemplate, ...],
    Field(max_length=MAX_NAMES, strict=False),
    BeforeValidator(_one_or_more, json_schema_input_type=str | list[str]),
]
"""Users or groups.  One that is a single ``${x}`` may be a list."""


class Candidates(Part):
    """Who may claim the task: users, and whoever is in one of the groups.  Without either, anybody may."""

    users: Names = ()
    groups: Names = ()


_FIX_TO = {"fix": "Write 'to: <user>', or 'to: {group: <group>}'"}


class Recipient(Candidates):
    """Who gets an escalated task: ``user`` at once, or ``users`` and ``groups``, who may claim it then."""

    user: TextTemplate | None = None
    group: TextTemplate | None = None

    @model_validator(mode="after")
    def _is_somebody(self) -> Self:
        if self.user is not None and (self.users or self.groups or self.group is not None):
            raise PydanticCustomError("recipient", "Expected 'user', or 'users' and groups, but got both", _FIX_TO)
        if self.user is None and not (self.users or self.groups or self.group is not None):
            raise PydanticCustomError("recipient", "Expected a user or a group, but there is none", _FIX_TO)
        return self


def _candidates(value: Any) -> Any:
    return {"users": value} if isinstance(value, str | list) else value


def _recipient(value: Any) -> Any:
    match value:
        case str():
            return {"user": value}
        case list():
            return {"users": value}
    return value


AnyCandidates = Annotated[Candidates, BeforeValidator(_candidates, json_schema_input_type=str | list[str] | Candidates)]
AnyRecipient = Annotated[Recipient, BeforeValidator(_recipient, json_schema_input_type=str | list[str] | Recipient)]


def _priority(value: Any) -> Any:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not (is_number and 0 <= value <= MAX_PRIORITY) and not (isinstance(value, str) and "${" in value):
        raise PydanticCustomError(
            "priority", "Expected a whole number from 0 to 100, or an expression in '${…}', but got {got}",
            {"got": repr(value)},
        )  # fmt: skip
    return value


Priority = Annotated[int | TextTemplate, BeforeValidator(_priority)]
"""0 to 100, the higher the more urgent."""


def _due(text: str) -> str:
    if "${" not in text:
        try:
            due_ms(text, 0)
        except ValueError as error:
            raise PydanticCustomError("due", "{message}", {"message": str(error)}) from None
    return text


Due = Annotated[TextTemplate, AfterValidator(_due), Field(description="A duration, an instant, or '${expression}'")]


def due_ms(value: str, now: int) -> int:
    """The moment (Unix ms) that ``value``, a duration from ``now`` or an instant, names.  Raises ``ValueError``."""
    try:
        return now + _duration_ms(value)
    except ValueError:
        pass
    try:
        return planned_ms(instant(parse_instant_ms(value)))
    except (ValueError, OverflowError):
        raise ValueError(
            f"Expected a duration such as '4h' or an instant such as '2026-11-21T02:00:00Z', but got {value!r:.80}"
        ) from None


_duration_ms = lru_cache(maxsize=256)(parse_duration_ms)
"""Most tasks of a process are due after the same time."""


class Notice(Part):
    """Telling people through a channel of the action ``notify``; ``message`` is about the task by default."""

    channel: TextTemplate = "alert"
    message: TextTemplate | None = None
    title: TextTemplate | None = None
    to: Names = ()

    def template(self) -> Template:
        """What it renders to is the action's config."""
        given = {name: value for name, value in self if value not in (None, ())}
        listed = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
        return compile_template(listed, texts=("channel", "message", "title"))


def _notice(value: Any) -> Any:
    return {"channel": value} if isinstance(value, str) else value


AnyNotice = Annotated[Notice, BeforeValidator(_notice, json_schema_input_type=str | Notice)]


class Escalation(Part):
    """What happens when nobody has answered: so long ``after`` the task was created, or ``after_due``.

    ``to`` takes the task from whoever has it and gives it to others.
    """

    after: Duration | None = None
    after_due: Duration | None = None
    to: AnyRecipient | None = None
    queue: TextTemplate | None = None
    priority: Priority | None = None
    notify: AnyNotice | None = None

    @model_validator(mode="after")
    def _says_when_and_what(self) -> Self:
        if (self.after is None) == (self.after_due is None):
            fix = "Write 'after: 4h', counted from the task's creation"
            raise PydanticCustomError("escalation", "Expected one of 'after' and 'after_due'", {"fix": fix})
        return self

    def level(self) -> Level:
        """When it comes."""
        return Level(self.after, self.after_due)


class RemindersSpec(Part):
    """``every`` so often from the task's creation on, and ``before_due``; ``max`` in all.  ``notify`` tells people."""

    every: Duration | None = None
    before_due: Duration | None = None
    max: Annotated[int, Field(ge=1, le=MAX_REMINDERS)] = MAX_REMINDERS
    notify: AnyNotice | None = None

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if self.every is None and self.before_due is None:
            message = "Expected 'every' or 'before_due', but there is neither"
            raise PydanticCustomError("reminders", message, {"fix": "Write 'every: 1d'"})
        return self

    def compiled(self) -> Reminders:
        """As the decider reckons with them."""
        return Reminders(self.every, self.before_due, self.max)


def _reminders(value: Any) -> Any:
    return {"every": value} if isinstance(value, str) else value


AnyReminders = Annotated[RemindersSpec, BeforeValidator(_reminders, json_schema_input_type=str | RemindersSpec)]


def _form(schema: dict[str, Any]) -> dict[str, Any]:
    try:
        compile_form(schema)
    except FormError as error:
        context = {"message": str(error), "fix": error.fix, "place": error.steps}
        raise PydanticCustomError("form", "{message}", context) from None
    return schema


FormSchema = Annotated[
    dict[str, Any], AfterValidator(_form), Field(description="JSON Schema (draft 2020-12) of the answers, an object")
]


def _join(value: Any) -> Any:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if value not in ("all", "any") and not (is_number and 1 <= value <= MAX_NAMES):
        message = "Expected 'all', 'any' or a number from 1 up, but got {got}"
        raise PydanticCustomError("join", message, {"got": repr(value)})
    return value


Join = Annotated[
    Literal["all", "any"] | int,
    BeforeValidator(_join),
    WithJsonSchema({"anyOf": [{"enum": ["all", "any"]}, {"type": "integer", "minimum": 1, "maximum": MAX_NAMES}]}),
]
"""How many approvers must approve."""
