"""Appliers of what goes wrong in an instance."""

from streams.core.apply.instance import set_wait
from streams.core.durations import parse_instant_ms
from streams.core.events import Event
from streams.core.places import place_of
from streams.core.state import Failure, Instance, Wait


def failed(state: Instance, event: Event) -> None:
    """The instance stays in the table, to be retried or cancelled; what others of its tokens wait for is held."""
    state.status = "failed"
    if not event.data.get("held"):  # as it was before there were branches
        state.waiting = {}
    state.failure = Failure(event.data["error_type"], event.data["error"], event.activity_id, event.token)


def timed_out(state: Instance, event: Event) -> None:
    """The process took too long.  The instance stays like a failed one."""
    state.status = "timeout"
    state.failure = Failure("timeout", event.data["error"])


def retry_scheduled(state: Instance, event: Event) -> None:
    """The attempt has failed, and the activity waits for the next one, which asks for the same."""
    assert event.activity_id is not None
    data = event.data
    request = state.waiting[place_of(event.activity_id, event.token)].request
    due = parse_instant_ms(data["due"])
    set_wait(state, event, Wait("retry", data["execution"], due, data["attempt"] + 1, request=request))


def incident_created(state: Instance, event: Event) -> None:
    """The token stays at the activity until somebody has looked at it."""
    assert event.activity_id is not None
    state.deadlines.pop(place_of(event.activity_id, event.token), None)
    set_wait(state, event, Wait("incident", event.data["execution"], name=event.data["error_type"]))
