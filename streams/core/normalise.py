"""From what people write to one shape: both spellings, and what may be left out, filled in.

Here everything is still plain JSON, and may be wrong in any way; each part keeps the place it came from, so that a
problem found later points there.

**Fall-through.**  An activity without ``next`` goes on to the following one in the list; the last one ends the process.
But an activity that a path of an earlier decision leads to begins a branch, and nothing falls into a branch from above:
before it, the process ends, and a warning says so.  So in ``log_normal, log_success, escalate``, each the target of a
decision above, none runs into the next.  (A path back up is a loop, and begins no branch.)
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from streams.core.actions import ALIASES as ACTION_ALIASES
from streams.core.activities import KINDS, SERVICES, Activity, Continuing, Service
from streams.core.document import Steps
from streams.core.report import Report, show
from streams.core.suggest import suggest
from streams.core.triggers import ALIASES, TRIGGERS

HEAD_FIELDS = ("id", "name", "version", "description")
FIELDS = (*HEAD_FIELDS, "trigger", "triggers", "variables", "activities")


@dataclass(slots=True)
class Raw:
    """A part: its content, where it stands, and the fields of ``config`` that stand beside it instead."""

    content: dict[str, Any]
    steps: Steps
    inline: frozenset[str] = frozenset()

    def place(self, inner: Steps) -> Steps:
        """Where the field at ``inner`` stands in the file."""
        if len(inner) > 1 and inner[0] == "config" and inner[1] in self.inline:
            return (*self.steps, *inner[1:])
        return (*self.steps, *inner)


@dataclass(slots=True)
class RawDefinition:
    """All parts in the canonical shape, of known types."""

    head: Raw
    triggers: list[Raw] = field(default_factory=list)
    variables: list[Raw] = field(default_factory=list)
    activities: list[Raw] = field(default_factory=list)
    ids: frozenset[str] = frozenset()
    """Of all activities, also those whose type is unknown."""


def normalise(data: dict[str, Any], report: Report) -> RawDefinition:
    """Problems go to ``report``; parts of an unknown type are left out."""
    for name in data:
        if name not in FIELDS:
            report.add((name,), f"Unknown field {name!r}", suggest(name, FIELDS, "field"), key=True)
    raw = RawDefinition(_head(data, report))
    raw.triggers = [one for one in (_trigger(part, report) for part in _trigger_parts(data, report)) if one is not None]
    raw.variables = _parts(data, "variables", report, required=False)
    activities = _parts(data, "activities", report, required=True)
    known = [part for part in activities if _known_kind(part, report)]
    connected = _connected(known, report)
    ids = [part.content.get("id") for part in [*activities, *connected]]
    raw.ids = frozenset(one for one in ids if isinstance(one, str))
    raw.activities = [_service(part, report) for part in connected]
    return raw


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
    if "id" in content:
        content.setdefault("name", content["id"])
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
        report.add(
            where, f"Expected a list under '{name}:', but {f'got {show(items)}' if name in data else 'it is missing'}"
        )
        return []
    parts = []
    for index, item in enumerate(items):
        if isinstance(item, dict):
            parts.append(Raw(dict(item), (name, index)))
        else:
            report.add((name, index), f"Expected a mapping in {name!r}", "Write 'name: value' lines")
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
    if not _is_known(kind, KINDS, "type", "activity", part, report):
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


def _connected(parts: list[Raw], report: Report) -> list[Raw]:
    """With ``start`` and ``end``, and every ``next`` written out."""
    taken = [_reserved_elsewhere(name, parts, report) for name in ("start", "end")]
    parts = list(parts)
    if parts and not _of_type(parts, "start") and not taken[0]:
        parts.insert(0, Raw({"id": "start", "type": "start"}, ("activities",)))
    if not _of_type(parts, "end") and not taken[1]:
        parts.append(Raw({"id": "end", "type": "end"}, ("activities",)))
    end = next((part.content.get("id") for part in _of_type(parts, "end")), "end")
    branches = _branches(parts)
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        if part.content.get("next") is None and issubclass(_model_of(part), Continuing):
            part.content.pop("next", None)
            after = _falls_to(part, following, branches, end, report)
            if isinstance(after, str):
                part.content["next"] = after
    return parts


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
        targets = [part.content.get(field) for field in _model_of(part).branch_fields]
        branches |= {target: own_id for target in targets if isinstance(target, str) and target not in seen}
    return branches


def _falls_to(part: Raw, following: Raw | None, branches: dict[str, Any], end: Any, report: Report) -> Any:
    """The id of the activity that comes after ``part``, which has no ``next``."""
    if following is None:
        return end
    after = following.content.get("id")
    if part.content["type"] == "start" or following.content["type"] == "end":
        return after
    if not isinstance(after, str) or after not in branches:
        return after
    message = (
        f"The process ends after {part.content.get('id')!r}: it has no 'next', and the activity below it, {after!r}, "
        f"is a branch of {branches[after]!r}"
    )
    report.add(part.steps, message, f"Write 'next: {end}', or where it goes on", severity="warning")
    return end


def _model_of(part: Raw) -> type[Activity]:
    return KINDS[part.content["type"]].model


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
