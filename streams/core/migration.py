"""Whether an instance can go on with another version of its definition, and how.

What an instance waits at must be there in the new version: an activity of the same kind, in the same body, under its
own name or the one that the mapping gives.  Its timers stay as they were set, its requests as they were made.
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


def plan(instance: Instance, old: Process, new: Process, mapping: Mapping) -> Plan:
    """What migrating ``instance`` from ``old`` to ``new`` takes."""
    found = Plan()
    for name, called in mapping.activities.items():
        if name not in old.activities:
            hint = suggest(name, sorted(old.activities), "activity")
            found.add("needs_mapping", f"version {old.version} has no activity {name!r}. {hint}")
        elif called not in new.activities:
            hint = suggest(called, sorted(new.activities), "activity")
            found.add("needs_mapping", f"version {new.version} has no activity {called!r}. {hint}")
    for place, wait in _at_activities(instance):
        activity_id, token = split_place(place)
        if (target := _target(activity_id, old, new, mapping, found)) is None:
            continue
        if wait.kind == "action" and target != activity_id:
            found.add(
                "impossible",
                f"activity {activity_id!r} waits for the answer of an action, which will name it so. Expected it to "
                f"keep its name, but it is {target!r} in version {new.version}: try again when it has answered",
            )
        node = new.activities[target]
        if isinstance(node, MessageNode) and wait.kind == "message" and wait.name != node.message:
            found.messages[place_of(target, token)] = node.message
    for scope in instance.scopes.values():
        _target(scope.activity_id, old, new, mapping, found)
    if instance.failure is not None and instance.failure.activity_id is not None:
        _target(instance.failure.activity_id, old, new, mapping, found)
    _variables(instance, new, mapping, found)
    return found


def _at_activities(instance: Instance) -> list[tuple[str, Wait]]:
    """What waits, by place, but for tokens that have come to the end of their body."""
    return [one for one in instance.waiting.items() if not one[0].startswith(f"{END_OF_BODY}@")]


def _target(activity_id: str, old: Process, new: Process, mapping: Mapping, found: Plan) -> str | None:
    """What the activity is called in the new version."""
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
