"""Whether an instance can go on with another version of its definition, and how.

What an instance waits at must be there in the new version: an activity of the same kind, in the same body, under its
own name or the one that the mapping gives; and what it may have to undo, with a ``compensation``.  Its timers stay as
they were set, its requests as they were made.
"""

import collections.abc
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from streams.core.activities import MessageNode
from streams.core.activities.base import END_OF_BODY
from streams.core.places import place_of, split_place
from streams.core.process import Process, VariablesError
from streams.core.state import Instance, Wait
from streams.core.suggest import suggest

Verdict = Literal["safe", "needs_mapping", "impossible"]
SAFE: Verdict = "safe"
_WORSE: tuple[Verdict, ...] = ("safe", "needs_mapping", "impossible")


class Mapping(NamedTuple):
    """``activities``: ids of the old version to those of the new one.  ``variables``: of the new version's own."""

    activities: collections.abc.Mapping[str, str] = {}
    variables: collections.abc.Mapping[str, Any] = {}


@dataclass(slots=True)
class Plan:
    """``needs_mapping``: with another mapping, or other variables, it could be done.  ``problems`` say what is missing.

    ``activities`` are those that change their names, ``messages`` what is awaited under another name, by the new place,
    ``variables`` those that are set.
    """

    verdict: Verdict = SAFE
    problems: list[str] = field(default_factory=list)
    activities: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)

    def add(self, verdict: Verdict, problem: str) -> None:
        """A problem; the worst one decides."""
        self.verdict = max(self.verdict, verdict, key=_WORSE.index)
        if problem not in self.problems:
            self.problems.append(problem)


class _Move(NamedTuple):
    """From which version to which; ``homes`` and ``new_homes`` tell which activity holds another one, and where."""

    old: Process
    new: Process
    mapping: Mapping
    homes: dict[str, tuple[str, str]]
    new_homes: dict[str, tuple[str, str]]


def plan(instance: Instance, old: Process, new: Process, mapping: Mapping) -> Plan:
    """What migrating ``instance`` from ``old`` to ``new`` takes."""
    found, move = Plan(), _Move(old, new, mapping, _homes(old), _homes(new))
    for name, called in mapping.activities.items():
        if name not in old.activities:
            hint = suggest(name, sorted(old.activities), "activity")
            found.add("needs_mapping", f"version {old.version} has no activity {name!r}. {hint}")
        elif called not in new.activities:
            hint = suggest(called, sorted(new.activities), "activity")
            found.add("needs_mapping", f"version {new.version} has no activity {called!r}. {hint}")
    for place, wait in _at_activities(instance):
        activity_id, token = split_place(place)
        if (target := _target(activity_id, move, found)) is None:
            continue
        _answered(activity_id, target, wait, move, found)
        node = new.activities[target]
        if isinstance(node, MessageNode) and wait.kind == "message" and wait.name != node.message:
            found.messages[place_of(target, token)] = node.message
    for scope in instance.scopes.values():
        _target(scope.activity_id, move, found)
    if instance.failure is not None and instance.failure.activity_id is not None:
        _target(instance.failure.activity_id, move, found)
    for one in instance.compensations:
        _undone(one.activity_id, move, found)
    _variables(instance, new, mapping, found)
    return found


def _answered(activity_id: str, target: str, wait: Wait, move: _Move, found: Plan) -> None:
    """What will be answered, or asked again, is so under the name and with the action that it was asked with."""
    new = move.new
    if (what := _NAMED.get(wait.kind)) is not None and target != activity_id:
        found.add(
            "impossible",
            f"activity {activity_id!r} waits for {what}, which will name it so. Expected it to "
            f"keep its name, but it is {target!r} in version {new.version}: try again when it has answered",
        )
    asked = _ASKED.get(wait.kind)
    if asked is not None and (was := asked(move.old.activities[activity_id])) != (now := asked(new.activities[target])):
        found.add(
            "impossible",
            f"activity {activity_id!r} has asked {was}. Expected the same of {target!r} in version {new.version}, but "
            f"it asks {now}: try again when it has answered",
        )


def _action(node: Any) -> str:
    return f"for action {node.action!r}"


def _people(node: Any) -> str:
    return "one person" if node.join is None else "several approvers"


_ASKED = {"action": _action, "retry": _action, "task": _people}
"""By ``Wait.kind``: what an activity of that kind asks, where an answer to something else would not fit."""
_NAMED = {
    "action": "the answer of an action",
    "retry": "another attempt of an action",
    "subprocess": "the end of its sub-process",
}
"""By ``Wait.kind``: what it waits for, where that knows the activity by its name."""


def _undone(activity_id: str, move: _Move, found: Plan) -> None:
    """What has completed can be undone in the new version as well."""
    new, target = move.new, move.mapping.activities.get(activity_id, activity_id)
    node = new.activities.get(target)
    if node is None:
        problem = f"version {new.version} has no activity {target!r}: map it to one that undoes what it has done"
        found.add("needs_mapping", f"activity {activity_id!r} has completed and may have to be undone, but {problem}")
    elif node.compensation is None:
        problem = f"{target!r} of version {new.version} has no 'compensation'"
        found.add("impossible", f"activity {activity_id!r} has completed and may have to be undone, but {problem}")
    elif target != activity_id:
        found.activities[activity_id] = target


def _homes(process: Process) -> dict[str, tuple[str, str]]:
    """Where the activities stand that are within others: (the holder, its field), by id."""
    return {
        inner.id: (one.id, str(place[0]))
        for one in process.definition.all_activities()
        for place, body in one.bodies().items()
        for inner in body
    }


def _told_home(home: tuple[str, str] | None) -> str:
    return "of the process itself" if home is None else f"within {home[0]!r} ({home[1]})"


def _at_activities(instance: Instance) -> list[tuple[str, Wait]]:
    """What waits, by place, but for tokens that have come to the end of their body."""
    return [one for one in instance.waiting.items() if not one[0].startswith(f"{END_OF_BODY}@")]


def _target(activity_id: str, move: _Move, found: Plan) -> str | None:
    """What the activity is called in the new version."""
    old, new, mapping = move.old, move.new, move.mapping
    target = mapping.activities.get(activity_id, activity_id)
    before, after = old.activities[activity_id], new.activities.get(target)
    if after is None:
        if target == activity_id:
            alike = sorted(node.id for node in new.activities.values() if type(node) is type(before))
            verdict: Verdict = "needs_mapping" if alike else "impossible"
            fix = f"map it to one of {', '.join(alike[:10])}" if alike else "no activity there is of its kind"
            found.add(verdict, f"version {new.version} has no activity {activity_id!r}, where the instance is: {fix}")
        return None
    if type(after) is not type(before):
        found.add(
            "needs_mapping",
            f"Expected {target!r} of version {new.version} to be of the same kind as {activity_id!r} was, but it is "
            f"{new.definition.activity(target).type}, not {old.definition.activity(activity_id).type}",
        )
        return None
    home, there = move.homes.get(activity_id), move.new_homes.get(target)
    if home is not None:
        home = mapping.activities.get(home[0], home[0]), home[1]
    if home != there:
        found.add(
            "needs_mapping",
            f"Expected {target!r} of version {new.version} to be {_told_home(home)}, as {activity_id!r} was, but it is "
            f"{_told_home(there)}",
        )
        return None
    if target != activity_id:
        found.activities[activity_id] = target
    return target


def _variables(instance: Instance, new: Process, mapping: Mapping, found: Plan) -> None:
    for name in mapping.variables:
        if name not in new.variables:
            hint = suggest(name, sorted(new.variables), "variable")
            found.add("needs_mapping", f"version {new.version} has no variable {name!r}. {hint}")
    for name, variable in new.variables.items():
        given = mapping.variables.get(name, instance.variables.get(name))
        try:
            value = variable.checked(given)
        except VariablesError as error:
            found.add("needs_mapping", f"{error}: give it with the migration")
            continue
        if name not in instance.variables or name in mapping.variables:
            found.variables[name] = value
