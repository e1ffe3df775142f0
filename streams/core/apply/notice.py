"""Appliers of notices: what people are told, and no activity waits for."""

from streams.core.events import Event
from streams.core.state import Instance

MAX_OPEN = 20
"""Notices without an answer; of more, the oldest are no longer expected to get one."""


def requested(state: Instance, event: Event) -> None:
    """Somebody is to be told something; the event's ``seq`` names the notice."""
    state.notices = [*state.notices, event.seq][-MAX_OPEN:]


def answered(state: Instance, event: Event) -> None:
    """The notice was sent, or could not be."""
    state.notices = [one for one in state.notices if one != event.data["notice"]]
