"""``fire_timer``: a moment that somebody waits for has come.  A timer that is no longer due does nothing."""

from streams.core.commands import FireTimer
from streams.core.due import PATTERN, Timer, due_timers
from streams.core.flow.due import PURPOSES
from streams.core.places import place_of
from streams.core.turn import Turn


def fire_timer(turn: Turn, command: FireTimer) -> None:
    """Do what the timer is for."""
    place = place_of(command.activity_id, command.token)
    timer = Timer(command.due_ms, command.instance_id, place, command.purpose, command.execution)
    if is_awaited(turn, timer):
        PURPOSES[command.purpose](turn, command)


def is_awaited(turn: Turn, timer: Timer) -> bool:
    """Whether somebody waits for the moment, as things are now."""
    holders = turn.windows if timer.purpose == PATTERN else turn.entities
    return timer in due_timers(holders.get(timer.subject))
