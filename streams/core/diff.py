"""What differs between two definitions, by what they mean: order of lines, spellings and comments do not count.

Activities are told apart by their ids, at any depth; variables by their names; triggers that are not the same are
matched by their type.  A *way* is a field that names where it goes on.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from streams.core.activities import Activity
from streams.core.definition import ProcessDefinition

PARTS = ("triggers", "variables", "activities")
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """``field`` is a path such as ``config.topic``, empty where the whole part is added or removed.

    ``old`` and ``new`` are JSON values, ``None`` where there is none; ``way``: the field says where it goes on.
    """

    kind: Literal["added", "removed", "changed"]
    part: Literal["process", "trigger", "variable", "activity"]
    name: str
    field: str = ""
    old: Any = None
    new: Any = None
    way: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """An activity as it stands in its definition: its own fields without the bodies in it, and what it is within."""

    fields: Json
    ways: frozenset[str]
    within: str


def diff(old: ProcessDefinition, new: ProcessDefinition) -> list[Change]:
    """All changes but that of the version: the process, its triggers, its variables, its activities."""
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    return [
        *_fields("process", old.id, _head(before), _head(after)),
        *_triggers(before.get("triggers", []), after.get("triggers", [])),
        *_named("variable", _by_name(before), _by_name(after)),
        *_activities(places(old), places(new)),
    ]


def places(definition: ProcessDefinition) -> dict[str, Place]:
    """Every activity by its id, those in bodies too."""
    return {activity.id: place for activity, place in _walk(definition.activities, "")}


def hindrances(old: ProcessDefinition, new: ProcessDefinition, waiting: Mapping[str, int]) -> dict[str, str]:
    """Why instances that wait in ``old`` could not go on in ``new``, by the activity at which they wait.

    ``waiting`` counts instances by activity.
    """
    before, after = places(old), places(new)
    found = {}
    for activity in waiting:
        here, there = before.get(activity), after.get(activity)
        if there is None:
            found[activity] = "it is not there any more"
        elif here is not None and here.fields["type"] != there.fields["type"]:
            found[activity] = f"it was a {here.fields['type']}, and is a {there.fields['type']}"
        elif here is not None and here.within != there.within:
            found[activity] = f"it was {_standing(here)}, and is {_standing(there)}"
    return found


def _standing(place: Place) -> str:
    return f"within {place.within}" if place.within else "at the top"


def _head(content: Json) -> Json:
    return {name: value for name, value in content.items() if name not in (*PARTS, "id", "version")}


def _by_name(content: Json) -> dict[str, Json]:
    return {one["name"]: one for one in content.get("variables", [])}


def _triggers(old: list[Json], new: list[Json]) -> Iterator[Change]:
    before = [one for one in old if one not in new]
    after = [one for one in new if one not in old]
    for one in before:
        other = next((trigger for trigger in after if trigger["type"] == one["type"]), None)
        if other is None:
            yield Change("removed", "trigger", _trigger_name(one), old=one)
        else:
            after.remove(other)
            yield from _fields("trigger", _trigger_name(one), one, other)
    for one in after:
        yield Change("added", "trigger", _trigger_name(one), new=one)


def _trigger_name(trigger: Json) -> str:
    return " ".join(str(trigger[name]) for name in ("type", "topic") if name in trigger)


def _named(part: Literal["variable"], old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[Change]:
    for name in {**old, **new}:
        if name not in new:
            yield Change("removed", part, name, old=old[name])
        elif name not in old:
            yield Change("added", part, name, new=new[name])
        else:
            yield from _fields(part, name, old[name], new[name])


def _activities(old: Mapping[str, Place], new: Mapping[str, Place]) -> Iterator[Change]:
    for name in {**old, **new}:
        if name not in new:
            yield Change("removed", "activity", name, old=old[name].fields)
        elif name not in old:
            yield Change("added", "activity", name, new=new[name].fields)
        else:
            one, other = old[name], new[name]
            if one.within != other.within:
                yield Change("changed", "activity", name, "within", one.within or None, other.within or None, way=True)
            yield from _fields("activity", name, one.fields, other.fields, one.ways | other.ways)


def _fields(
    part: Literal["process", "trigger", "variable", "activity"],
    name: str,
    old: Json,
    new: Json,
    ways: frozenset[str] = frozenset(),
) -> Iterator[Change]:
    before, after = dict(_leaves(old)), dict(_leaves(new))
    for field in {**before, **after}:
        one, other = before.get(field), after.get(field)
        if (field in before) != (field in after) or one != other or type(one) is not type(other):
            way = field.partition(".")[0].partition("[")[0] in ways
            yield Change("changed", part, name, field, one, other, way=way)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The single values in a mapping; lists count as one value, unless they hold mappings."""
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _leaves(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def _walk(body: Iterable[Activity], within: str) -> Iterator[tuple[Activity, Place]]:
    for activity in body:
        fields = activity.model_dump(mode="json")
        ways = {str(place[0]) for place in activity.ways()} | {*activity.targets()}
        for place, inner in activity.bodies().items():
            path = [str(step) for step in place]
            fields.pop(path[0], None)
            fields[".".join(("begins", *path))] = inner[0].id
            ways.add("begins")
            yield from _walk(inner, ".".join((activity.id, *path)))
        yield activity, Place(fields, frozenset(ways), within)
