"""``fail_activity``: an action worker could not perform the action, or a child has failed."""

from streams.core.commands import FailActivity
from streams.core.decide.answering import FAIL
from streams.core.decide.complete_activity import awaiting
from streams.core.flow.flow import Flow
from streams.core.places import place_of
from streams.core.schedule import SCHEDULE_PREFIX
from streams.core.schedules import rows
from streams.core.step import run
from streams.core.turn import Turn


def fail_activity(turn: Turn, command: FailActivity) -> None:
    """There is another attempt, or the activity fails."""
    if command.instance_id.startswith(SCHEDULE_PREFIX):
        rows.fail(turn, command)
        return
    instance = awaiting(turn, command)
    if instance is None:
        return
    flow = Flow(turn, instance, turn.process_of(instance))
    node = flow.process.activities[command.activity_id]
    wait = instance.waiting[place_of(node.id, command.token)]
    fail = FAIL[type(node)]
    fail(flow, node, wait, command.token, command.error_type, command.error, retryable=command.retryable)
    run(flow)
