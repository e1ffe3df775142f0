"""``watch_keys``: a pattern misses these keys from now on, though they may never have been seen.

Sent by whoever makes the pattern's definition the active one, a command for each partition.
"""

from collections import defaultdict

from streams.core import matching
from streams.core.commands import WatchKeys
from streams.core.definition import ProcessDefinition
from streams.core.ids import partition_for
from streams.core.process import UnusableError
from streams.core.state import DefinitionVersions, WindowName
from streams.core.triggers import PatternTrigger
from streams.core.turn import Turn


def watch_keys(turn: Turn, command: WatchKeys) -> None:
    """Open the windows that are not open yet, of those keys that live here."""
    for key in command.keys:
        if partition_for(key, turn.around.partitions) == turn.around.partition:
            matching.align(turn, WindowName(command.definition_id, command.trigger, key))


def have_keys_watched(turn: Turn, definition: ProcessDefinition) -> None:
    """``definition`` is active now: send the commands."""
    for index, trigger in enumerate(definition.triggers):
        if not (isinstance(trigger, PatternTrigger) and trigger.enabled):
            continue
        homes: defaultdict[int, list[str]] = defaultdict(list)
        for key in trigger.keys or ():
            homes[partition_for(key, turn.around.partitions)].append(key)
        for keys in homes.values():
            turn.follow_up(
                WatchKeys(definition_id=definition.id, definition_version=definition.version, trigger=index, keys=keys)
            )


def have_active_keys_watched(turn: Turn, versions: DefinitionVersions) -> None:
    """Of the version that is active now, if one is."""
    if versions.active is None:
        return
    try:
        process = turn.around.process(versions.id, versions.active)
    except UnusableError:
        return
    if process is not None:
        have_keys_watched(turn, process.definition)
