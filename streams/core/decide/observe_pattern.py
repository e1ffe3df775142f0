"""``observe_pattern``: a reading that a pattern looks at.  Kept in the soft record of its key; a match is a start.

No event: what a pattern has seen is no history, only what it starts is.
"""

from streams.core import matching
from streams.core.commands import ObservePattern
from streams.core.durations import instant_ms
from streams.core.patterns import Sighting
from streams.core.process import UnusableError
from streams.core.state import WindowName
from streams.core.turn import Turn


def observe_pattern(turn: Turn, command: ObservePattern) -> None:
    """Let the pattern see the reading, unless another version of the definition has changed it meanwhile."""
    try:
        process = turn.around.process(command.definition_id, command.definition_version)
    except UnusableError as error:
        turn.reject("unusable_definition", str(error))
        return
    asked = None if process is None else process.pattern(command.trigger)
    if asked is None or len(asked.tests) != len(command.truths):
        what = f"{command.definition_id!r} version {command.definition_version}"
        message = f"Expected a pattern of {len(command.truths)} conditions as trigger {command.trigger} of {what}"
        turn.reject("unknown_pattern", f"{message}, but there is none")
        return
    name = WindowName(command.definition_id, command.trigger, command.key)
    found = matching.watched(turn, name)
    if found is None or found.compiled.pattern.fingerprint != asked.pattern.fingerprint:
        return
    variables = matching.as_json(command.variables)
    matching.take(turn, name, found, Sighting(instant_ms(command.at), command.truths, command.values, variables))
