"""Patterns at work: a window of the table is brought on, and what it fires becomes a start.

The start is a command that goes out in the same transaction as the window (``Turn.follow_up``), to the partition where
both are; what becomes of it is said where all starts are decided.  It names the version that is active now, and is
refused as stale when it is decided later than ``max_age`` after the moment at which the match could first be known.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from streams.core.commands import FireTimer, StartProcess
from streams.core.durations import instant, instant_text
from streams.core.patterns import Absence, Firing, Sighting, Window
from streams.core.process import Process, UnusableError, VariablesError
from streams.core.state import WindowName
from streams.core.triggers import CompiledPattern
from streams.core.turn import Turn

SETTLE_MS = 10_000
"""Real time that a partition has, after it was taken over, before what is overdue is concluded from silence: as long as
nobody listened, readings wait elsewhere."""

UNDER_WAY_MS = 500
"""Real time that silence is given before it counts: a reading of the moment at which a delay ends may be on its way."""

_encode = msgspec.json.Encoder().encode


class Watched(NamedTuple):
    """A pattern of the version that starts instances."""

    process: Process
    compiled: CompiledPattern


def watched(turn: Turn, name: WindowName) -> Watched | None:
    """The pattern that a window belongs to, if there is one that starts instances now."""
    if turn.around.inactive(name.definition_id, None):
        return None
    try:
        process = turn.around.process(name.definition_id, None)
    except UnusableError:
        return None
    compiled = None if process is None else process.pattern(name.trigger)
    return None if process is None or compiled is None else Watched(process, compiled)


def take(turn: Turn, name: WindowName, found: Watched, sighting: Sighting) -> None:
    """A reading arrives.  One that says that it comes from the future comes from now."""
    pattern = found.compiled.pattern
    sighting.at = min(sighting.at, turn.now_ms)
    window = _window(turn, name, found) or pattern.open(name.record, sighting.at)
    firings = pattern.observe(window, sighting, turn.now_ms)
    if firings is None:
        turn.late += 1
        return
    _conclude(turn, name, found, window, firings)


def time_passed(turn: Turn, command: FireTimer) -> None:
    """The moment has come at which a window concludes something from silence."""
    name, around = WindowName.of(command.instance_id), turn.around
    found = watched(turn, name)
    window = None if found is None else _window(turn, name, found)
    if found is None or window is None:
        turn.windows.put(name.record, None)
        return
    settled = around.opened_ms + round(SETTLE_MS * around.action_time)
    if command.due_ms < around.opened_ms and turn.now_ms < settled:
        window.due = settled
        turn.windows.put(name.record, window)
        return
    firings = found.compiled.pattern.advance(window, command.due_ms - _under_way(turn))
    _conclude(turn, name, found, window, firings)


def align(turn: Turn, name: WindowName) -> None:
    """Bring a window in line with the definitions known now: drop that of a pattern that has changed, open that of a
    key which is missed even if it was never seen.
    """
    found = watched(turn, name)
    window = None if found is None else _window(turn, name, found)
    if found is not None and window is None and name.key in found.compiled.keys:
        pattern = found.compiled.pattern
        assert isinstance(pattern.form, Absence)
        window = pattern.open(name.record, turn.now_ms, pattern.form.watch(turn.now_ms))
        _conclude(turn, name, found, window, [])
    elif window is None and turn.windows.get(name.record) is not None:
        turn.windows.put(name.record, None)


def _window(turn: Turn, name: WindowName, found: Watched) -> Window | None:
    """The window; not that of the pattern as it was before."""
    window = turn.windows.get(name.record)
    return window if window is not None and window.pattern == found.compiled.pattern.fingerprint else None


def _conclude(turn: Turn, name: WindowName, found: Watched, window: Window, firings: list[Firing]) -> None:
    pattern = found.compiled.pattern
    for firing in firings:
        _start(turn, name, found, firing, firing.at + pattern.lateness + window.lag)
    if pattern.is_over(window):
        turn.windows.put(name.record, None)
    else:
        due = pattern.due(window)
        window.due = None if due is None else due + _under_way(turn)
        turn.windows.put(name.record, window)


def _under_way(turn: Turn) -> int:
    return round(UNDER_WAY_MS * turn.around.action_time)


def _start(turn: Turn, name: WindowName, found: Watched, firing: Firing, known_ms: int) -> None:
    process, compiled = found
    readings = [
        {"timestamp": instant_text(point.at), "values": compiled.named(point.values)} for point in firing.points
    ]
    command = StartProcess(
        definition_id=process.id,
        definition_version=process.version,
        key=name.key,
        variables=_variables(process, compiled, name.key, firing.variables),
        trigger={
            "type": "pattern",
            "topic": compiled.topic,
            "pattern": compiled.name,
            "index": compiled.index,
            "at": instant_text(firing.at),
            "readings": readings,
        },
        not_after=instant(known_ms + compiled.trigger.max_age_ms),
    )
    digest = hashlib.blake2b(f"{name.record}/{firing.at}".encode(), digest_size=8).hexdigest()
    turn.follow_up(command, of=f"pattern/{digest}")


def _variables(process: Process, compiled: CompiledPattern, key: str, written: bytes) -> dict[str, Any]:
    """Those of the last reading; of a key that was never seen what its name alone tells."""
    if written:
        found: dict[str, Any] = msgspec.json.decode(written)
        return found
    steps = ("tags", "device_id") if compiled.key is None else compiled.key.steps
    reading: Any = key
    for step in reversed(steps):
        if not isinstance(step, str):
            return {}
        reading = {step: reading}
    try:
        return process.start_variables(reading)
    except VariablesError:
        return {}


def as_json(variables: Mapping[str, Any] | None) -> bytes:
    """As a window keeps them."""
    return b"" if variables is None else _encode(variables)
