"""Appliers of the events of an instance: what each one changes in the instance's state."""

from typing import Any

import msgspec

from streams.core.durations import parse_instant_ms
from streams.core.events import Event
from streams.core.ids import started_at_ms
from streams.core.parent import Parent
from streams.core.places import place_of, scope_of
from streams.core.state import VERSION, Deadline, Finished, HeldSignal, Instance, Wait

FINISHED = frozenset({"completed", "cancelled"})


def started(event: Event, time_ms: int) -> Instance:
    """The state of an instance that has just started."""
    return Instance(
        v=VERSION,
        id=event.subject,
        definition_id=event.definition_id,
        definition_version=event.definition_version,
        key=event.data.get("key"),
        status="running",
        seq=event.seq,
        started_at=started_at_ms(event.subject),
        updated_at=time_ms,
        variables=dict(event.data["variables"]),
        parent=msgspec.convert(event.data["parent"], Parent) if "parent" in event.data else None,
        timeout_at=time_ms + event.data["timeout_ms"] if "timeout_ms" in event.data else None,
        reference=event.data.get("reference"),
    )


def record_of(state: Instance) -> Instance | Finished:
    """What the table keeps: the whole instance while something may still happen to it, a mark once it has finished."""
    if state.status in FINISHED:
        return Finished(VERSION, state.status, state.seq, state.updated_at)
    return state


def ended(state: Instance, event: Event) -> None:
    """``completed`` and ``cancelled`` name the status themselves."""
    state.status = event.type
    state.waiting = {}


def variable_changed(state: Instance, event: Event) -> None:
    """A live variable followed its source, or an activity stored its output; with a token it is that branch's own."""
    variables = state.variables
    if event.token is not None:
        scope, number = scope_of(event.token)
        variables = state.scopes[scope].locals[number]
    variables[event.data["name"]] = event.data["value"]


def signal_received(state: Instance, event: Event) -> None:
    """The signal is held until ``activity_completed`` of a message activity takes it."""
    state.signals = [*state.signals, HeldSignal(event.data["name"], event.data["payload"])]


def activity_started(state: Instance, event: Event) -> None:
    """``execution`` numbers the activities that the instance has entered."""
    data = event.data
    state.steps = data["execution"]
    if "timeout_at" in data:
        due = parse_instant_ms(data["timeout_at"])
        state.deadlines[place_of(event.activity_id or "", event.token)] = Deadline(data["execution"], due)


def activity_completed(state: Instance, event: Event) -> None:
    """The activity no longer waits; a message activity has taken the oldest held signal of its name."""
    if state.waiting and (wait := _waiting(state, event)) is not None and wait.kind == "message":
        taken = next(at for at, held in enumerate(state.signals) if held.name == wait.name)
        state.signals = state.signals[:taken] + state.signals[taken + 1 :]
    activity_over(state, event)


def activity_over(state: Instance, event: Event) -> None:
    """The activity is over: it waits for nothing, and neither do its branches."""
    assert event.activity_id is not None
    if state.waiting or state.deadlines:
        place = place_of(event.activity_id, event.token)
        state.waiting.pop(place, None)
        state.deadlines.pop(place, None)
    if state.scopes and (scope := state.scopes.pop(str(event.data.get("execution")), None)) is not None:
        inherit(state, str(event.data["execution"]), scope.token)


def inherit(state: Instance, scope_id: str, token: str | None) -> None:
    """What the branches of a scope have completed can be undone by whoever owned it."""
    for one in state.compensations:
        if one.token is not None and scope_of(one.token)[0] == scope_id:
            one.token = token


def start_queued(state: Instance, event: Event) -> None:
    """The instance has not begun: it waits for those of its key before it, or for a slot of its definition."""
    behind = event.data["behind"]
    state.slot = state.slot or behind == "slots"
    set_wait(state, event, Wait("start", 0, name=behind))


def nothing_more(_state: Instance, _event: Event) -> None:
    """The event tells why the instance goes where it goes; the state has nothing to keep."""


def action_requested(state: Instance, event: Event) -> None:
    """The activity waits for the action's result until the deadline."""
    data = event.data
    due, attempt = parse_instant_ms(data["deadline"]), data["attempt"]
    request: dict[str, Any] | None = None
    if data.get("max_attempts", 1) > attempt:
        request = {name: data[name] for name in ("config", "secrets") if name in data}
    set_wait(state, event, Wait("action", data["execution"], due, attempt, request=request))


def timer_started(state: Instance, event: Event) -> None:
    """The activity waits for a moment."""
    set_wait(state, event, Wait("timer", event.data["execution"], parse_instant_ms(event.data["due"])))


def message_awaited(state: Instance, event: Event) -> None:
    """The activity waits for a message."""
    data = event.data
    set_wait(state, event, Wait("message", data["execution"], name=data["name"], correlation=data.get("correlation")))


def subprocess_requested(state: Instance, event: Event) -> None:
    """The activity waits for the end of its child, unless that lives on its own."""
    if not event.data.get("detached"):
        set_wait(state, event, Wait("subprocess", event.data["execution"], name=event.data["child_id"]))


def yielded(state: Instance, event: Event) -> None:
    """One command has run its steps: a token waits before an activity for the next one.

    ``passed`` are activities that the command came to and did not enter: they count as steps as well.
    """
    state.steps += event.data.get("passed", 0)
    set_wait(state, event, Wait("continue", event.data["execution"]))


def continued(state: Instance, _event: Event) -> None:
    """The tokens that have yielded go on."""
    state.waiting = {place: wait for place, wait in state.waiting.items() if wait.kind != "continue"}


def set_wait(state: Instance, event: Event, wait: Wait) -> None:
    """The event's token waits at the event's activity."""
    assert event.activity_id is not None
    state.waiting[place_of(event.activity_id, event.token)] = wait


def _waiting(state: Instance, event: Event) -> Wait | None:
    return None if event.activity_id is None else state.waiting.get(place_of(event.activity_id, event.token))
