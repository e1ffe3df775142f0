"""The scenarios of the approval workflow: granted, denied, timed out and escalated, several approvers at once.

The process is the seed's: a request, an approver, the decision, an action and a notice, or a notice and a log entry.
"""

from typing import Any

import pytest

from streams.core.commands import CompleteActivity, CompleteTask
from streams.core.events import Event
from streams.core.state import Finished, Instance
from tests.core.plant import Plant

APPROVAL = """
id: approval-workflow
version: 1
trigger: {type: api}
variables:
  - {name: requester, type: string, required: true}
  - {name: amount, type: number, required: true}
activities:
  - {id: create_request, type: service, action: log, config: {message: "${requester} asks for ${amount}"}}
  - id: approve
    type: user_task
    title: "${amount} for ${requester}?"
    WHO
    due: 1d
    form: {properties: {reason: {type: string, maxLength: 500}}}
    output: {outcome: outcome, answers: answers}
  - {id: approved, type: decision, condition: outcome == "approved", true_path: execute, false_path: tell_denied}
  - {id: execute, type: service, action: mqtt_publish, config: {topic: plant/orders, payload: {amount: "${amount}"}}}
  - {id: tell_granted, type: service, action: notify, config: {message: "Granted: ${amount}"}, next: end}
  - {id: tell_denied, type: service, action: notify, config: {message: "Denied: ${amount}"}}
  - {id: log_rejection, type: service, action: database_log, config: {message: "${requester} was denied ${amount}"}}
  - {id: end, type: end}
"""
ONE = """assignee: anna
    outcomes: [approved, rejected]
    reminders: {every: 8h, max: 2}
    escalation: [{after_due: 1h, to: {user: boss}, priority: 95}]"""
SEVERAL = """approvers: [anna, ben, carl]
    join: JOIN"""


class Office:
    """One request, and whoever answers it; actions succeed at once."""

    def __init__(self, who: str) -> None:
        self.plant = Plant(APPROVAL.replace("WHO", who))
        self.id = self.plant.start("approval-workflow", requester="otto", amount=700)
        [created] = [event for event in self.plant.log if event.type == "task_created"]
        self.task = f"{self.id}:{created.data['execution']}"

    def answer(self, user: str, outcome: str, **answers: Any) -> None:
        command = CompleteTask(task_id=self.task, user=user, outcome=outcome, answers=answers)
        assert self.plant.do(command), self.plant.last and self.plant.last.rejection
        self._act()

    def _act(self) -> None:
        while isinstance(state := self.plant.state(self.id), Instance) and (
            waits := [(name, wait) for name, wait in state.waiting.items() if wait.kind == "action"]
        ):
            [(name, wait)] = waits
            command = CompleteActivity(
                instance_id=self.id, activity_id=name, execution=wait.execution, attempt=wait.attempt
            )
            self.plant.do(command)

    @property
    def path(self) -> list[str]:
        """The activities that were entered."""
        return [event.activity_id or "" for event in self.plant.log if event.type == "activity_started"]

    def told(self, kind: str) -> list[Event]:
        return [event for event in self.plant.log if event.type == kind]

    def ended(self) -> bool:
        return isinstance(self.plant.state(self.id), Finished)


GRANTED = ["create_request", "approve", "approved", "execute", "tell_granted"]
DENIED = ["create_request", "approve", "approved", "tell_denied", "log_rejection"]


def test_approval_granted() -> None:
    office = Office(ONE)
    assert office.told("task_created")[0].message == "700 for otto?"
    office.answer("anna", "approved", reason="within budget")
    assert office.path == GRANTED
    assert office.ended()
    asked = {event.activity_id: event.data["config"] for event in office.told("action_requested")}
    assert asked["execute"]["payload"] == {"amount": 700}
    assert asked["tell_granted"]["message"] == "Granted: 700"


def test_approval_denied() -> None:
    office = Office(ONE)
    office.answer("anna", "rejected", reason="no budget")
    assert office.path == DENIED
    assert office.ended()
    [logged] = [event for event in office.told("activity_completed") if event.activity_id == "log_rejection"]
    assert logged.message == "otto was denied 700"


def test_approval_timeout_escalation() -> None:
    office = Office(ONE)
    for _ in range(3):
        office.plant.fire_next()
    assert [event.type for event in office.plant.log[-3:]] == ["task_reminded", "task_reminded", "task_escalated"]
    hours = [(event.time - office.plant.log[0].time).total_seconds() / 3600 for event in office.plant.log[-3:]]
    assert hours == [8, 16, 25]
    late = CompleteTask(task_id=office.task, user="anna", outcome="approved")
    assert office.plant.refused(late)[1] == f"Expected task {office.task} to be claimed by anna, but it is boss's"
    office.answer("boss", "approved")
    assert office.path == GRANTED
    assert office.ended()


@pytest.mark.parametrize(
    ("join", "answers", "path"),
    [
        ("all", {"carl": "approved", "anna": "approved", "ben": "approved"}, GRANTED),
        ("all", {"carl": "approved", "anna": "rejected"}, DENIED),
        ("any", {"ben": "rejected", "anna": "approved"}, GRANTED),
        ("any", {"ben": "rejected", "anna": "rejected", "carl": "rejected"}, DENIED),
        ("2", {"carl": "approved", "ben": "rejected", "anna": "approved"}, GRANTED),
        ("2", {"carl": "rejected", "ben": "rejected"}, DENIED),
    ],
)
def test_multiple_approvers_parallel(join: str, answers: dict[str, str], path: list[str]) -> None:
    office = Office(SEVERAL.replace("JOIN", join))
    for user, outcome in answers.items():
        assert not office.ended(), "each answer but the last leaves it open"
        office.answer(user, outcome, reason=f"{user} thinks so")
    assert office.path == path
    assert office.ended()
    [completed] = office.told("task_completed")
    assert completed.data["answers"] == {user: {"reason": f"{user} thinks so"} for user in answers}
