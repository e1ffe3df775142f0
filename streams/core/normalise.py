"""From what people write to one shape: both spellings, and what may be left out, filled in.

Here everything is still plain JSON, and may be wrong in any way; each part keeps the place it came from, so that a
problem found later points there.

**Fall-through.**  An activity without ``next`` goes on to the following one in the list; the last one ends the process.
But an activity that a path of an earlier decision leads to begins a branch, and nothing falls into a branch from above:
before it, the process ends, and a warning says so.  So in ``log_normal, log_success, escalate``, each the target of a
decision above, none runs into the next.  (A path back up is a loop, and begins no branch.)

**Bodies.**  An activity may hold lists of activities, each a body of its own: ways stay within it, and ``end`` is its
end, which nobody has to write.  ``bodies`` has how they are read.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from streams.core.actions import ALIASES as ACTION_ALIASES
from streams.core.actions import SHORT
from streams.core.activities import KINDS, SERVICES, Activity, Service, model_of
from streams.core.activities.base import END_OF_BODY
from streams.core.document import Steps
from streams.core.report import Report, show
from streams.core.suggest import suggest
from streams.core.triggers import ALIASES, TRIGGERS

HEAD_FIELDS = (
    "id",
    "name",
    "version",
    "description",
    "category",
    "labels",
    "timeout",
    "max_steps",
    "on_failure",
    "concurrency",
    "on_resume",
    "reference",
)
FIELDS = (*HEAD_FIELDS, "trigger", "triggers", "variables", "activities")
HANDLERS = ("on_error", "on_timeout")


@dataclass(slots=True, eq=False)
class Raw:
    """A part: its content, where it stands, and the fields of ``config`` that stand beside it instead.

    An activity's ``body`` is where it belongs, and ``bodies`` those that it holds.
    """

    content: dict[str, Any]
    steps: Steps
    inline: frozenset[str] = frozenset()
    body: "Body | None" = None
    bodies: "list[Body]" = field(default_factory=list)

    def place(self, inner: Steps) -> Steps:
        """Where the field at ``inner`` stands in the file."""
        if len(inner) > 1 and inner[0] == "config" and inner[1] in self.inline:
            return (*self.steps, *inner[1:])
        return (*self.steps, *inner)


@dataclass(slots=True, eq=False)
class Body:
    """Activities that follow one another: the process's own, or some within an activity, its ``owner``.

    ``place`` is where they stand in the owner's canonical form; ``ids`` are also those of activities of unknown types.
    """

    owner: Raw | None = None
    place: Steps = ()
    parts: list[Raw] = field(default_factory=list)
    ids: frozenset[str] = frozenset()

    def owners(self) -> Iterator[tuple["Body", Raw]]:
        """The activities that it is within, the innermost first, each with the body of it that this is (in)."""
        body: Body | None = self
        while body is not None and body.owner is not None:
            yield body, body.owner
            body = body.owner.body


@dataclass(slots=True)
class RawDefinition:
    """All parts in the canonical shape, of known types."""

    head: Raw
    triggers: list[Raw] = field(default_factory=list)
    variables: list[Raw] = field(default_factory=list)
    body: Body = field(default_factory=Body)


def normalise(data: dict[str, Any], report: Report) -> RawDefinition:
    """Problems go to ``report``; parts of an unknown type are left out."""
    for name in data:
        if name not in FIELDS:
            report.add((name,), f"Unknown field {name!r}", suggest(name, FIELDS, "field"), key=True)
    raw = RawDefinition(_head(data, report))
    raw.triggers = [one for one in (_trigger(part, report) for part in _trigger_parts(data, report)) if one is not None]
    raw.variables = _parts(data, "variables", report, required=False)
    _fill(raw.body, _parts(data, "activities", report, required=True), report)
    return raw


def _fill(body: Body, activities: list[Raw], report: Report) -> None:
    """Connect a body's activities, and fill those that they hold."""
    known = [part for part in activities if _known_kind(part, report)]
    if (owner := body.owner) is not None:
        known = [part for part in known if _may_stand_within(part, owner, report)]
    connected = _connected(known, report, within=owner is not None)
    ids = [part.content.get("id") for part in [*activities, *connected]]
    body.ids = frozenset(one for one in ids if isinstance(one, str))
    body.parts = [_service(part, report) for part in connected]
    for part in body.parts:
        part.body = body
        for name, several in _model_of(part).body_fields.items():
            if part.content.get(name) is None:
                part.content.pop(name, None)
                continue
            for place, held in _lists(part, name, report, several=several):
                part.bodies.append(Body(part, place))
                _fill(part.bodies[-1], held, report)


def _lists(part: Raw, name: str, report: Report, *, several: bool) -> Iterator[tuple[Steps, list[Raw]]]:
    """The bodies in a field: where each stands in the canonical form, and its activities.

    The field is emptied: ``parse`` puts the models there.
    """
    held, steps = part.content[name], (*part.steps, name)
    part.content[name] = {} if several else ()
    if not several:
        yield (name,), _list(held, steps, report)
    elif isinstance(held, list) and held:
        for index, one in enumerate(held):
            yield (name, str(index + 1)), _list(one, (*steps, index), report)
    elif isinstance(held, dict) and held:
        for key, one in held.items():
            yield (name, key), _list(one, (*steps, key), report)
    else:
        fix = "Write 'name:' lines below it, each with a list of activities"
        report.add(steps, f"Expected lists of activities by name in {name!r}, but got {show(held)}", fix)


def _list(held: Any, steps: Steps, report: Report) -> list[Raw]:
    """The activities in ``held``; one may stand there without a list."""
    if isinstance(held, dict):
        return [Raw(dict(held), steps)]
    if isinstance(held, list) and held:
        return _mappings(held, steps, report)
    report.add(steps, f"Expected a list of activities, but got {'an empty one' if held == [] else show(held)}")
    return []


def _may_stand_within(part: Raw, owner: Raw, report: Report) -> bool:
    kind = part.content["type"]
    if kind not in {"start", "end"}:
        return True
    holder = owner.content.get("id")
    fix = "Remove it: they begin at the first" if kind == "start" else "Remove it, and lead to it by 'next: end'"
    report.add(part.steps, f"Expected no activity of type {kind} among those of {holder!r}", fix)
    return False


def _head(data: dict[str, Any], report: Report) -> Raw:
    content = {name: data[name] for name in HEAD_FIELDS if data.get(name) is not None}
    version = content.setdefault("version", 1)
    if isinstance(version, float):
        if version.is_integer():
            content["version"] = int(version)
        else:
            report.add(
                ("version",), f"Expected a whole number as version, but got {version}", f"Write {int(version) + 1}"
            )
            content["version"] = 1
    content.setdefault("name", content["id"] if isinstance(content.get("id"), str) else "without an id")
    return Raw(content, ())


def _trigger_parts(data: dict[str, Any], report: Report) -> list[Raw]:
    if "trigger" in data:
        if "triggers" in data:
            report.add(
                ("triggers",), "Expected one of 'trigger' and 'triggers', but got both", "Use 'triggers:'", key=True
            )
        if isinstance(data["trigger"], dict):
            return [Raw(dict(data["trigger"]), ("trigger",))]
        fix = "Write several under 'triggers:'" if isinstance(data["trigger"], list) else "Write 'type: api' below it"
        report.add(("trigger",), "Expected a mapping with 'type'", fix)
        return []
    if "triggers" not in data:
        report.add(
            (), "Expected 'trigger:', but it is missing", "For a process that people start: trigger: {type: api}"
        )
        return []
    return _parts(data, "triggers", report, required=True)


def _parts(data: dict[str, Any], name: str, report: Report, *, required: bool) -> list[Raw]:
    items = data.get(name)
    if items is None and not required:
        return []
    if not isinstance(items, list) or (required and not items):
        where = (name,) if name in data else ()
        got = "it is missing" if name not in data else "it is empty" if items == [] else f"got {show(items)}"
        report.add(where, f"Expected a list under '{name}:', but {got}")
        return []
    return _mappings(items, (name,), report)


def _mappings(items: list[Any], steps: Steps, report: Report) -> list[Raw]:
    parts = []
    for index, item in enumerate(items):
        if isinstance(item, dict):
            parts.append(Raw(dict(item), (*steps, index)))
        else:
            report.add((*steps, index), f"Expected a mapping in {str(steps[-1])!r}", "Write 'name: value' lines")
    return parts


def _trigger(part: Raw, report: Report) -> Raw | None:
    content = part.content
    kind = content.get("type")
    if kind == "event" and "source" in content:
        kind = content.pop("source")
    kind = ALIASES.get(kind, kind) if isinstance(kind, str) else kind
    if not _is_known(kind, [*TRIGGERS, *ALIASES], "type", "trigger", part, report):
        return None
    content["type"] = kind
    return _with_config(part, TRIGGERS[str(kind)].model_fields, "trigger", report)


def _known_kind(part: Raw, report: Report) -> bool:
    kind = part.content.get("type")
    if kind in SHORT:
        if part.content.get("action", kind) != kind:
            report.add((*part.steps, "action"), f"Expected no action beside 'type: {kind}'", "Write 'type: service'")
            return False
        part.content |= {"type": "service", "action": kind}
        return True
    if not _is_known(kind, [*KINDS, *SHORT], "type", "activity", part, report):
        return False
    if kind != "service":
        return True
    action = part.content.get("action")
    if isinstance(action, str) and action in ACTION_ALIASES:
        part.content["action"] = ACTION_ALIASES[action]
    return _is_known(part.content.get("action"), SERVICES, "action", "service", part, report)


def _is_known(value: Any, known: Any, name: str, what: str, part: Raw, report: Report) -> bool:
    if isinstance(value, str) and value in known:
        return True
    if name not in part.content:
        report.add(part.steps, f"Expected a field {name!r} in the {what}, but it is missing", suggest("", known, name))
    else:
        fix = suggest(value if isinstance(value, str) else "", known, name)
        report.add((*part.steps, name), f"Unknown {name} {value!r} of {what}", fix)
    return False


def _connected(parts: list[Raw], report: Report, *, within: bool) -> list[Raw]:
    """With every ``next`` written out; the process's own with ``start`` and ``end``.

    ``within`` an activity the end is no activity: what falls to it has no ``next``, as if nobody had written it, and
    other ways name ``end``.
    """
    taken = [_reserved_elsewhere(name, parts, report) for name in ("start", "end")]
    parts = list(parts)
    if within:
        _follow(parts, END_OF_BODY, report)
        branches = _branches(parts)
        for part, following in zip_longest(parts, parts[1:]):
            if part.content.get("next") == END_OF_BODY and _after(part, following, branches) is None:
                del part.content["next"]
        return parts
    if parts and not _of_type(parts, "start") and not taken[0]:
        parts.insert(0, Raw({"id": "start", "type": "start"}, ("activities",)))
    if not _of_type(parts, "end") and not taken[1]:
        parts.append(Raw({"id": "end", "type": "end"}, ("activities",)))
    end = next((part.content.get("id") for part in _of_type(parts, "end")), "end")
    _follow(parts, end, report)
    return parts


def _follow(parts: list[Raw], end: Any, report: Report) -> None:
    """Write out what is next, where it is not written."""
    branches = _branches(parts)
    for part, following in zip_longest(parts, parts[1:]):
        if part.content.get("next") is None and "next" in _model_of(part).model_fields:
            part.content.pop("next", None)
            after = _falls_to(part, following, branches, end, report)
            if isinstance(after, str):
                part.content["next"] = after


def _reserved_elsewhere(name: str, parts: list[Raw], report: Report) -> bool:
    """Is the id ``start`` or ``end`` that of another kind of activity?"""
    wrong = [part for part in parts if part.content.get("id") == name and part.content["type"] != name]
    for part in wrong:
        message = f"Expected the activity {name!r} to have 'type: {name}'"
        report.add((*part.steps, "id"), message, "Give the activity another id")
    return bool(wrong)


def _branches(parts: list[Raw]) -> dict[str, Any]:
    """The activities that begin a branch, each with the id of the activity above that leads there."""
    branches: dict[str, Any] = {}
    seen: set[Any] = set()
    for part in parts:
        own_id = part.content.get("id")
        seen.add(own_id if isinstance(own_id, str) else None)
        for name in (*_model_of(part).branch_fields, *HANDLERS):
            targets = _named(part.content.get(name))
            branches |= {target: own_id for target in targets if isinstance(target, str) and target not in seen}
    return branches


def _named(held: Any) -> list[Any]:
    """The activities that a field names: one, one for each key, or the ``next`` of each element."""
    if isinstance(held, list):
        return [one.get("next") for one in held if isinstance(one, dict)]
    return list(held.values()) if isinstance(held, dict) else [held]


def _after(part: Raw, following: Raw | None, branches: dict[str, Any]) -> Raw | None:
    """What ``part`` falls to, if it has no ``next``; ``None``: to the end."""
    if following is None or part.content["type"] == "start" or following.content["type"] == "end":
        return following
    after = following.content.get("id")
    return None if isinstance(after, str) and after in branches else following


def _falls_to(part: Raw, following: Raw | None, branches: dict[str, Any], end: Any, report: Report) -> Any:
    """The id of the activity that comes after ``part``, which has no ``next``."""
    if (after := _after(part, following, branches)) is not None:
        return after.content.get("id")
    if following is not None:
        below = following.content["id"]
        message = (
            f"The process ends after {part.content.get('id')!r}: it has no 'next', and the activity below it, "
            f"{below!r}, is a branch of {branches[below]!r}"
        )
        report.add(part.steps, message, f"Write 'next: {end}', or where it goes on", severity="warning")
    return end


def _model_of(part: Raw) -> type[Activity]:
    return model_of(part.content)


def _of_type(parts: list[Raw], kind: str) -> list[Raw]:
    return [part for part in parts if part.content["type"] == kind]


def _service(part: Raw, report: Report) -> Raw:
    """With what the action needs under ``config``, also what was written beside ``action``."""
    return _with_config(part, Service.model_fields, "action", report) if part.content["type"] == "service" else part


def _with_config(part: Raw, own: Collection[str], what: str, report: Report) -> Raw:
    """With the fields that are not its ``own`` under ``config``, if it has such a field."""
    content = part.content
    if "config" not in own:
        return part
    inline = {name: value for name, value in content.items() if name not in own}
    config = content.get("config")
    if config is not None and not isinstance(config, dict):
        report.add((*part.steps, "config"), "Expected a mapping as 'config'", f"Write the {what}'s fields below it")
        config = {}
    config = config or {}
    for name in inline.keys() & config.keys():
        report.add((*part.steps, name), f"The field {name!r} is also under 'config'", "Remove one of them", key=True)
    kept = {name: value for name, value in content.items() if name in own}
    return Raw({**kept, "config": {**inline, **config}}, part.steps, frozenset(inline.keys() - config.keys()))
