"""Finding the open task that a command is about."""

from typing import NamedTuple

from streams.core.activities import UserTaskNode
from streams.core.commands import TaskCommand
from streams.core.flow.flow import Flow
from streams.core.ids import check_instance_id
from streams.core.state import Finished, Instance
from streams.core.tasks.rules import Refusal
from streams.core.tasks.task import Task, split_task_id, task_id
from streams.core.turn import Turn


class OpenTask(NamedTuple):
    """A task that waits for somebody; ``name`` is it in a message."""

    name: str
    execution: int
    node: UserTaskNode
    flow: Flow

    @property
    def task(self) -> Task:
        """As it is now."""
        return self.flow.instance.tasks[self.execution]

    def tell(self, event_type: str, **data: object) -> None:
        """An event of the task."""
        self.flow.emit(event_type, {"execution": self.execution, **data}, self.node.id, self.task.token)

    def refuses(self, refusal: Refusal | None) -> bool:
        """Reject the command if there is a reason to."""
        if refusal is not None:
            self.flow.turn.reject(refusal.reason, refusal.message, self.flow.instance.id)
        return refusal is not None


def open_task(turn: Turn, command: TaskCommand, verb: str) -> OpenTask | None:
    """The task, or ``None`` after rejecting a command to ``verb`` one that is not open."""
    text, execution = split_task_id(command.task_id)
    subject = check_instance_id(text)
    entity, name = turn.entities.get(subject), f"task {task_id(subject, execution)}"
    task = entity.tasks.get(execution) if isinstance(entity, Instance) else None
    if isinstance(entity, Instance) and task is not None and entity.status == "running":
        process = turn.process_of(entity)
        node = process.activities[task.activity_id]
        assert isinstance(node, UserTaskNode)
        return OpenTask(name, execution, node, Flow(turn, entity, process))
    match entity:
        case Instance() if task is not None:
            why = f"its instance is {entity.status}. It can be done once that runs again"
        case Instance():
            why = "it was completed or cancelled, or there is none"
        case Finished():
            why = f"its instance is {entity.status}"
        case _:
            why = "there is none, or its instance ended long ago"
    turn.reject("task_not_open", f"Cannot {verb} {name}: {why}", subject)
    return None
