"""``observe``: the latest reading of a key, kept while somebody who runs for the key has live variables on its topic.

Kept as a soft record: no event, nothing in the history.  A step that reads a live variable takes the value from here
and records it.
"""

from streams.core.commands import Observe
from streams.core.state import Feed
from streams.core.turn import Turn


def observe(turn: Turn, command: Observe) -> None:
    """Keep the reading, if somebody may ask for it."""
    feed = Feed(command.topic, command.key_path, command.key)
    for instance in turn.running_of_key(command.key, None):
        if feed in turn.feeds_of(instance):
            turn.readings[feed] = command.reading
            return
