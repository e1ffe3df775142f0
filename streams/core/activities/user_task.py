"""``user_task``: ask people, and wait for their answer.

``output`` keeps parts of the result: ``outcome``, ``answers`` (by name of the form's fields), ``user``.  With
``approvers`` each of them answers, ``answers`` is by user, and the result also has ``approved`` and ``rejected``, the
numbers of answers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from streams.core.activities.base import Continuing, Kind, Node, Output, OutputPaths, Place
from streams.core.expressions import Expression, Template, compile_template
from streams.core.scalars import TextTemplate, Title
from streams.core.tasks.form import Form, compile_form
from streams.core.tasks.moments import Level, Reminders
from streams.core.tasks.spec import (
    MAX_LEVELS,
    AnyCandidates,
    AnyNotice,
    AnyReminders,
    Candidates,
    Due,
    Escalation,
    FormSchema,
    Join,
    Names,
    Notice,
    Priority,
)
from streams.core.tasks.verdict import VERDICTS

DEFAULT_PRIORITY = 50
ASKED = ("title", "description", "assignee", "candidates", "queue", "priority", "due", "approvers")
"""The fields that are rendered when the task is created."""
OTHER_SPELLINGS = {"candidate_users": "users", "candidate_groups": "groups"}
"""Fields beside the task that stand for one of ``candidates``."""


def _other_spellings(schema: dict[str, Any]) -> None:
    """For editors: what may stand beside the task instead of under ``candidates``."""
    names = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    schema["properties"] |= dict.fromkeys(OTHER_SPELLINGS, names)


class UserTask(Continuing):
    """A task for ``assignee``, or for whichever of the ``candidates`` claims it, or for all ``approvers``.

    ``queue`` and ``priority`` order lists of tasks, ``due`` is when it should be done.  ``outcomes`` are the ways in
    which it may be answered.  ``notify`` tells people when the task is created.
    """

    model_config = ConfigDict(json_schema_extra=_other_spellings)

    type: Literal["user_task"]
    title: TextTemplate | None = None
    description: TextTemplate | None = None
    assignee: TextTemplate | None = None
    candidates: AnyCandidates = Field(default_factory=Candidates)
    queue: TextTemplate | None = None
    priority: Priority = DEFAULT_PRIORITY
    due: Due | None = None
    form: FormSchema | None = None
    outcomes: Annotated[tuple[Title, ...], Field(max_length=20, strict=False)] = ()
    approvers: Names = ()
    join: Join = "all"
    escalation: Annotated[tuple[Escalation, ...], Field(max_length=MAX_LEVELS, strict=False)] = ()
    reminders: AnyReminders | None = None
    notify: AnyNotice | None = None
    output: OutputPaths = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _one_spelling(cls, data: Any) -> Any:
        """``candidate_users`` and ``candidate_groups`` beside the task."""
        if not isinstance(data, dict) or not OTHER_SPELLINGS.keys() & data.keys():
            return data
        if "candidates" in data:
            fix = "Write 'candidates: {users: […], groups: […]}'"
            raise PydanticCustomError("task", "Expected one spelling of the candidates, but got two", {"fix": fix})
        given = {kind: data[name] for name, kind in OTHER_SPELLINGS.items() if name in data}
        kept = {name: value for name, value in data.items() if name not in OTHER_SPELLINGS}
        return {**kept, "candidates": given}

    @model_validator(mode="after")
    def _is_one_persons_or_several_approvers(self) -> Self:
        if not self.approvers:
            if self.join != "all":
                raise _wrong("Expected 'approvers' beside '{name}'", "join", "Add 'approvers:', a list of users")
            return self
        for name in ("assignee", "candidates", "outcomes"):
            if getattr(self, name) != self._default(name):
                raise _wrong("Expected no '{name}' beside 'approvers': each of them answers", name, "Remove it")
        for at, one in enumerate(self.escalation):
            if one.to is not None:
                raise _wrong("Expected no '{name}' where there are 'approvers'", "to", "Remove it", ("escalation", at))
        listed = not any(name.startswith("${") for name in self.approvers)  # an expression may yield several
        if listed and isinstance(self.join, int) and self.join > len(self.approvers):
            raise _wrong("Expected '{name}' of at most the number of approvers", "join", f"Write {len(self.approvers)}")
        return self

    @model_validator(mode="after")
    def _counts_from_what_is_there(self) -> Self:
        if self.due is None:
            fix = "Add 'due:'"
            if self.reminders is not None and self.reminders.before_due is not None:
                raise _wrong("Expected 'due' beside '{name}'", "before_due", fix, ("reminders",))
            for at, one in enumerate(self.escalation):
                if one.after_due is not None:
                    raise _wrong("Expected 'due' beside '{name}'", "after_due", fix, ("escalation", at))
        return self

    def reads(self) -> Iterable[tuple[Place, Expression]]:
        places = [*self.asked().places, *_escalated(self).places]
        for field, notice in self.notices():
            places += [((*field, *place), expression) for place, expression in notice.template().places]
        return places

    def notices(self) -> Iterable[tuple[Place, Notice]]:
        """What people are told, and where that stands."""
        found: list[tuple[Place, Notice | None]] = [(("notify",), self.notify)]
        if self.reminders is not None:
            found.append((("reminders", "notify"), self.reminders.notify))
        found += [(("escalation", at, "notify"), one.notify) for at, one in enumerate(self.escalation)]
        return [(place, notice) for place, notice in found if notice is not None]

    def asked(self) -> Template:
        """What creating the task renders: its fields by name, users and groups as lists."""
        return compile_template(_given(self, ASKED), texts=("title", "description"))

    def writes(self) -> Iterable[str]:
        return self.output

    def waits(self) -> bool:
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTaskNode(Node):
    """``asked`` renders to the task's fields, ``title`` to that one alone.

    ``levels`` are the escalations: when, what renders to their effect, and to the notice.  ``has_moments``: whether
    there may be one, a reminder, or a moment when it is due.  ``join`` is ``None`` for a task that one person answers.
    """

    title: Template
    asked: Template
    form: Form | None
    outcomes: tuple[str, ...]
    join: str | int | None
    levels: tuple[tuple[Level, Template, Template | None], ...]
    reminders: Reminders
    has_moments: bool
    created_notice: Template | None
    reminder_notice: Template | None
    output: Output


def _wrong(message: str, field: str, fix: str, place: Place = ()) -> PydanticCustomError:
    context = {"name": field, "fix": fix, "place": (*place, field)}
    return PydanticCustomError("task", message, context)


def _given(model: Any, names: Iterable[str]) -> dict[str, Any]:
    """The fields that were given, as JSON."""
    dumped: Mapping[str, Any] = model.model_dump(mode="json")
    return {name: dumped[name] for name in names if name in dumped}


def _escalated(model: UserTask) -> Template:
    return compile_template({"escalation": [_effect(one) for one in model.escalation]})


def _effect(one: Escalation) -> dict[str, Any]:
    return _given(one, ("to", "queue", "priority"))


def _template(notice: Notice | None) -> Template | None:
    return None if notice is None else notice.template()


def _compile(model: UserTask) -> UserTaskNode:
    return UserTaskNode(
        id=model.id,
        next=model.next,
        title=compile_template(model.title or model.name or model.id),
        asked=model.asked(),
        form=None if model.form is None else compile_form(model.form),
        outcomes=VERDICTS if model.approvers else model.outcomes,
        join=model.join if model.approvers else None,
        levels=tuple((one.level(), compile_template(_effect(one)), _template(one.notify)) for one in model.escalation),
        created_notice=_template(model.notify),
        reminder_notice=None if model.reminders is None else _template(model.reminders.notify),
        reminders=Reminders() if model.reminders is None else model.reminders.compiled(),
        has_moments=not (model.due is None and model.reminders is None and not model.escalation),
        output=Output.of_paths(model.output),
    )


USER_TASK = Kind(UserTask, _compile)
