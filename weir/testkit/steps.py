"""What a test does: a command by its type, with its fields.

```yaml
- {at: 3m, start_process: {key: p1, variables: {temperature: 31}}}          # definition_id: the only definition
- {at: 4m, signal: {name: go, key: p1}}
- {at: 5m, complete_task: {activity: approve, user: mia, outcome: approved}}    # the newest task of that activity
- {at: 6m, retry: {key: p1}, refused: not_failed}                           # the newest instance of that key
```

A test knows no ids: it names a task by its ``activity``, and by ``key`` where several have one; what needs the id of
an instance takes ``key``, ``definition_id`` or both.  ``refused`` is the reason with which a command is to be refused;
one that is refused otherwise is a failure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from streams.core.commands import (
    AssignTask,
    Cancel,
    ClaimTask,
    Command,
    CompleteTask,
    DelegateTask,
    PublishMessage,
    Resume,
    Retry,
    SetVariables,
    Signal,
    StartProcess,
    Suspend,
    TaskCommand,
    TopicCommand,
    UnclaimTask,
    UpdateTask,
)
from streams.core.report import show

_SENT: tuple[type[Command], ...] = (
    StartProcess,
    Signal,
    Cancel,
    Suspend,
    Resume,
    Retry,
    SetVariables,
    PublishMessage,
    ClaimTask,
    UnclaimTask,
    AssignTask,
    DelegateTask,
    CompleteTask,
    UpdateTask,
)
COMMANDS: Mapping[str, type[Command]] = {str(one.__struct_config__.tag): one for one in _SENT}
"""By type: what people and programs send.  The others are the engine's own, or change definitions."""
BY_INSTANCE = (Retry, SetVariables)
BY_KEY = (Signal, Cancel, Suspend, Resume)
"""Where nobody knows the id of an instance, the key says whom they are for."""
_ANY_ID = "0:1"
_TASK, _INSTANCE = {"activity", "key"}, {"key", "definition_id"}


@dataclass(frozen=True, slots=True)
class Step:
    """A command ``at`` ms from the test's start; ``fields`` as the test has them."""

    at: int
    type: str
    fields: Mapping[str, Any]
    refused: str | None = None

    def command(self, ids: Mapping[str, Any]) -> TopicCommand:
        """The command, with ``ids`` (and an ``id`` of its own) in the place of the names.

        Raises ``msgspec.ValidationError``.
        """
        own = {name: value for name, value in self.fields.items() if name not in names_of(self.type)}
        return msgspec.convert({"type": self.type, **own, **ids}, COMMANDS[self.type])  # type: ignore[return-value]


def names_of(kind: str) -> set[str]:
    """The fields by which a test names what the command has an id for."""
    command = COMMANDS[kind]
    if issubclass(command, TaskCommand):
        return _TASK
    return _INSTANCE if command in BY_INSTANCE else set()


def fields_of(kind: str) -> list[str]:
    """The fields that a step of that type may have."""
    hidden = {"v", "id", "task_id", "instance_id", "parent"}
    own = [one.name for one in msgspec.structs.fields(COMMANDS[kind]) if one.name not in hidden]
    return [*own, *sorted(names_of(kind))]


def wrong(step: Step) -> tuple[str, str] | None:
    """What does not fit the command, as the field's name ("" for the whole) and a message; ``None`` where all fits."""
    for name in names_of(step.type):
        if name in step.fields and not isinstance(step.fields[name], str):
            return name, f"Expected a text, but got {show(step.fields[name])}"
    ids = {"definition_id": _ANY_ID} if step.type == "start_process" else {}
    ids |= {"task_id": _ANY_ID} if issubclass(COMMANDS[step.type], TaskCommand) else {}
    ids |= {"instance_id": _ANY_ID} if COMMANDS[step.type] in BY_INSTANCE else {}
    try:
        step.command(ids)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        field = place.strip(".`").split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]
        message = message.replace("`", "'").replace(", got", ", but got")
        if message.startswith(missing := "Object missing required field "):
            message = f"Expected a field {message.removeprefix(missing)}, but it is missing"
        return field, message
    if COMMANDS[step.type] in BY_KEY and step.fields.get("key") is None:
        given = "key" in step.fields
        return ("key", "Expected a text, but got null") if given else ("", "Expected a field 'key', but it is missing")
    return None
