"""Appliers of what operators do to an instance: it stands still, goes on, goes on elsewhere."""

import msgspec

from streams.core.due import shift
from streams.core.durations import instant_ms
from streams.core.events import Event
from streams.core.places import place_of, split_place
from streams.core.state import Held, Instance, QueuedRetry


def suspended(state: Instance, event: Event) -> None:
    """Nothing moves until ``resumed``."""
    state.status = "suspended"
    state.suspended_at = instant_ms(event.time)


def resumed(state: Instance, event: Event) -> None:
    """What was held is sent again as commands; moments stay as they are, or come later by ``shifted_ms``."""
    state.status = "running"
    state.suspended_at = None
    state.held = []
    _answered(state, event)
    if shifted_ms := event.data.get("shifted_ms"):
        shift(state, shifted_ms)


def retried(state: Instance, event: Event) -> None:
    """The failure is in the past, and what was held is sent again as commands.  A timeout does not come twice."""
    if state.status == "timeout":
        state.timeout_at = None
    state.status = "running"
    state.failure = None
    state.held = []
    state.retry = None
    _answered(state, event)


def _answered(state: Instance, event: Event) -> None:
    """What is awaited at these places is on its way: it is no longer too late for it."""
    for place in event.data.get("answered", ()):
        state.deadlines.pop(place, None)


def retry_queued(state: Instance, event: Event) -> None:
    """It is to go on when it has one of the slots of its definition, for which it has asked."""
    state.slot = True
    state.retry = QueuedRetry(event.data["reason"])


def retry_refused(state: Instance, _event: Event) -> None:
    """When its turn came it could not go on any more."""
    state.retry = None


def input_held(state: Instance, event: Event) -> None:
    """The answer is there: its place no longer waits for a moment, which would say that there was none."""
    assert event.activity_id is not None
    place = place_of(event.activity_id, event.token)
    state.held = [*state.held, Held(event.data["command"], place)]
    state.waiting = {**state.waiting, place: msgspec.structs.replace(state.waiting[place], due=None)}


def migrated(state: Instance, event: Event) -> None:
    """The instance goes by another version; its activities have the names that they have there."""
    data = event.data
    names: dict[str, str] = data.get("activities", {})
    state.definition_version = data["to_version"]
    state.slot = state.slot or data.get("slot", False)
    state.waiting = {_renamed(place, names): wait for place, wait in state.waiting.items()}
    for place, name in data.get("messages", {}).items():
        state.waiting[place] = msgspec.structs.replace(state.waiting[place], name=name)
    state.scopes = {
        execution: msgspec.structs.replace(scope, activity_id=names.get(scope.activity_id, scope.activity_id))
        for execution, scope in state.scopes.items()
    }
    state.deadlines = {_renamed(place, names): deadline for place, deadline in state.deadlines.items()}
    state.compensations = [
        msgspec.structs.replace(one, activity_id=names.get(one.activity_id, one.activity_id))
        for one in state.compensations
    ]
    state.tasks = {
        execution: msgspec.structs.replace(task, activity_id=names.get(task.activity_id, task.activity_id))
        for execution, task in state.tasks.items()
    }
    if state.failure is not None and (failed_at := state.failure.activity_id) is not None:
        state.failure = msgspec.structs.replace(state.failure, activity_id=names.get(failed_at, failed_at))


def _renamed(place: str, names: dict[str, str]) -> str:
    activity_id, token = split_place(place)
    return place_of(names.get(activity_id, activity_id), token)
