"""``user_task``: the task is created when its activity is entered, and an answer leads on.

enter ─► task_created ─┬─ complete_task ─► task_completed, activity_completed ─► next
                       ├─ a reminder is due ─► task_reminded       (stays open)
                       ├─ an escalation is due ─► task_escalated   (stays open)
                       └─ its activity or instance ends otherwise ─► task_cancelled
"""

from typing import Any

from streams.core.activities import UserTaskNode
from streams.core.activities.user_task import DEFAULT_PRIORITY
from streams.core.durations import instant_text
from streams.core.expressions import ExpressionError, Template
from streams.core.flow import notices
from streams.core.flow.flow import WAITS, Flow
from streams.core.places import place_of
from streams.core.state import Instance
from streams.core.tasks import asked
from streams.core.tasks.moments import next_escalation, next_reminder
from streams.core.tasks.task import Task, task_id
from streams.core.tasks.verdict import needed_approvals
from streams.core.turn import Turn


def enter(flow: Flow, node: UserTaskNode, token: str | None) -> str | None:
    """Ask, and wait.  Raises ``ExpressionError``."""
    execution = flow.begin(node, "user_task", token)
    flow.refresh(node.asked.names, token)
    rendered = node.asked.render(flow.variables(token))
    data: dict[str, Any] = {"execution": execution, **asked.fields(rendered, DEFAULT_PRIORITY)}
    if "title" not in data:
        data["title"] = _title(flow, node, token)
    if node.join is not None:
        data["needed"] = _needed(node.join, len(data.get("approvers", ())))
    if node.outcomes:
        data["outcomes"] = list(node.outcomes)
    if node.form is not None:
        data["form"] = node.form.schema
    if node.has_moments:
        now = flow.now_ms
        due = asked.due(rendered.get("due"), now)
        remind_at = next_reminder(node.reminders, now, due, 0)
        data |= _texts(due=due, remind_at=remind_at, escalate_at=next_escalation(_levels(node), 0, now, due))
    flow.emit("task_created", data, node.id, token, data["title"])
    _notify(flow, node, execution, node.created_notice, "Task")
    return WAITS


def tell(flow: Flow, execution: int, event_type: str, data: dict[str, Any]) -> None:
    """An event of an open task."""
    task = flow.instance.tasks[execution]
    flow.emit(event_type, {"execution": execution, **data}, task.activity_id, task.token)


def complete(flow: Flow, node: UserTaskNode, execution: int, result: dict[str, Any]) -> None:
    """The answer is there: keep its ``output``, and go on."""
    token = flow.instance.tasks[execution].token
    flow.emit("task_completed", {"execution": execution, **result}, node.id, token)
    flow.emit("activity_completed", {"execution": execution}, node.id, token)
    flow.store(node.output.of(result), token)
    flow.go(token, flow.leave(node, execution, token))


def give_up(flow: Flow, node: UserTaskNode, execution: int, error_type: str, error: str) -> None:
    """The activity fails while its task is open."""
    token = flow.instance.tasks[execution].token
    tell(flow, execution, "task_cancelled", {"reason": "failed"})
    data = {"execution": execution, "error_type": error_type, "error": error}
    flow.emit("activity_failed", data, node.id, token, error)


def cancel_tasks(turn: Turn, instance: Instance, reason: str, place: str | None = None) -> None:
    """Nobody is to answer any more: the tasks of an instance that ends, or the one at a ``place`` that is left."""
    for execution, task in list(instance.tasks.items()):
        if place in (None, place_of(task.activity_id, task.token)):
            data = {"execution": execution, "reason": reason}
            turn.emit(instance, "task_cancelled", data, task.activity_id, token=task.token)


def moments_after(flow: Flow, node: UserTaskNode, task: Task, due: int) -> dict[str, Any]:
    """What a new due moment makes of the next reminder and escalation; JSON, null for none."""
    escalate_at = next_escalation(_levels(node), task.level, task.created_at, due)
    return {
        "due": instant_text(due),
        "remind_at": _text(next_reminder(node.reminders, flow.now_ms, due, task.reminded)),
        "escalate_at": _text(escalate_at),
    }


def remind(flow: Flow, node: UserTaskNode, execution: int) -> None:
    """A reminder is due: an event, for whoever tells people."""
    task = flow.instance.tasks[execution]
    count = task.reminded + 1
    remind_at = next_reminder(node.reminders, flow.now_ms, task.due, count)
    tell(flow, execution, "task_reminded", {"count": count, **_texts(remind_at=remind_at)})
    _notify(flow, node, execution, node.reminder_notice, "Reminder")


def escalate(flow: Flow, node: UserTaskNode, execution: int) -> None:
    """An escalation is due.  Raises ``ExpressionError``."""
    task = flow.instance.tasks[execution]
    rendered: dict[str, Any] = {}
    notice = None
    if task.level < len(node.levels):  # a migration may have left fewer
        _, effect, notice = node.levels[task.level]
        flow.refresh(effect.names, task.token)
        rendered = effect.render(flow.variables(task.token))
    data: dict[str, Any] = {"level": task.level + 1}
    if (to := rendered.get("to")) is not None:
        data |= _handed_over(task, to)
    if (queue := asked.one_name(rendered.get("queue"), "queue")) is not None:
        data["queue"] = queue
    if "priority" in rendered:
        data["priority"] = asked.priority(rendered["priority"])
    following = next_escalation(_levels(node), task.level + 1, task.created_at, task.due)
    tell(flow, execution, "task_escalated", data | _texts(escalate_at=following))
    _notify(flow, node, execution, notice, "Escalated")


def _handed_over(task: Task, to: dict[str, Any]) -> dict[str, Any]:
    """Whose it is now: one user's, or nobody's, with more who may claim it."""
    if "user" in to:
        return {"assignee": asked.one_name(to["user"], "user")}
    users = asked.names([*task.users, *to.get("users", ())], "users")
    groups = asked.names([*task.groups, *to.get("groups", ()), to.get("group")], "groups")
    return {"assignee": None, "users": users, "groups": groups}


def _needed(join: str | int, approvers: int) -> int:
    if approvers == 0:
        raise ExpressionError("Expected at least one approver, but there is none")
    try:
        return needed_approvals(join, approvers)
    except ValueError as error:
        raise ExpressionError(str(error)) from None


def _levels(node: UserTaskNode) -> list[Any]:
    return [level for level, _, _ in node.levels]


def _title(flow: Flow, node: UserTaskNode, token: str | None) -> str:
    title: str = node.title.render(flow.variables(token))
    return title


def _notify(flow: Flow, node: UserTaskNode, execution: int, notice: Template | None, what: str) -> None:
    """Tell people of the task, where its definition says so."""
    if notice is not None:
        task = flow.instance.tasks[execution]
        about = f"{what}: {_title(flow, node, task.token)} ({task_id(flow.instance.id, execution)})"
        people = {"people": task.people} if task.people else {}
        notices.request(flow, notice, {"message": about, **people}, (node.id, execution, task.token))


def _texts(**moments: int | None) -> dict[str, str]:
    return {name: instant_text(moment) for name, moment in moments.items() if moment is not None}


def _text(moment: int | None) -> str | None:
    return None if moment is None else instant_text(moment)
