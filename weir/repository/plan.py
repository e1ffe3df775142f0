"""What deploying some files would do: pure, so that a dry run shows exactly what is done."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from streams.core.definition import ProcessDefinition
from streams.deployed import Deployed
from weir.repository.references import in_order

Action = Literal["create", "new_version", "unchanged", "activate", "deactivate", "refused"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A definition that is to be deployed, and the text it was read from."""

    file: Path
    definition: ProcessDefinition
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """``reason`` and ``message`` say why a file is refused, as the processor would, or what a person should know.

    ``bump``: the file's version is to become ``version``.
    """

    action: Action
    id: str
    version: int | None
    candidate: Candidate | None = None
    reason: str | None = None
    message: str | None = None
    bump: bool = False


def plan(
    candidates: Iterable[Candidate], deployed: Mapping[str, Deployed], *, prune: bool = False, bump: bool = False
) -> list[Step]:
    """The steps in the order in which they are done: deployments (what is started before who starts it, versions
    ascending), then what comes back, then what is pruned.

    ``prune``: what no file has is deactivated.  ``bump``: a file whose version is taken gets the next one.
    """
    by_id: defaultdict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
        by_id[one.definition.id].append(one)
    steps = [
        step
        for name in in_order({name: [one.definition for one in group] for name, group in by_id.items()})
        for step in _deployments(by_id[name], deployed.get(name), bump=bump)
    ]
    back = [
        Step("activate", name, None, message="it was deactivated when the folder had it no more")
        for name in by_id
        if name in deployed and (off := deployed[name].off) is not None and off.pruned
    ]
    gone = [
        Step("deactivate", name, None, message="the folder has it no more")
        for name, known in deployed.items()
        if prune and name not in by_id and known.off is None
    ]
    return [*steps, *back, *gone]


def _deployments(group: list[Candidate], known: Deployed | None, *, bump: bool) -> list[Step]:
    """The steps of one definition's files."""
    hashes = {number: one.hash for number, one in known.versions.items()} if known is not None else {}
    files: dict[int, Path] = {}
    steps = []
    ordered = sorted(group, key=lambda one: (one.definition.version, str(one.file)))
    for one in ordered:
        step = _deployment(one, hashes, files, known)
        if step.reason in {"version_exists", "version_too_old"} and bump and one is ordered[-1]:
            step = Step(
                "new_version", step.id, max(hashes) + 1, one, message=f"was {one.definition.version}", bump=True
            )
        if step.action in {"create", "new_version"} and step.version is not None:
            hashes[step.version] = one.definition.hash
        files.setdefault(one.definition.version, one.file)
        steps.append(step)
    return steps


def _deployment(one: Candidate, hashes: Mapping[int, str], files: Mapping[int, Path], known: Deployed | None) -> Step:
    definition = one.definition
    step = Step("unchanged", definition.id, definition.version, one)
    found = hashes.get(definition.version)
    if found == definition.hash:
        return replace(step, message=None if known is None else _standing(known, definition.version))
    if found is not None and definition.version in files:
        message = f"{files[definition.version]} has version {definition.version} too, with other content"
        return replace(step, action="refused", reason="version_twice", message=message)
    if found is not None:
        message = (
            f"{definition.id} version {definition.version} is deployed already, with other content. Give the new "
            f"content version {max(hashes) + 1}, or use --bump"
        )
        return replace(step, action="refused", reason="version_exists", message=message)
    if hashes and definition.version < max(hashes):
        message = f"{definition.id} has version {max(hashes)} already. Give it version {max(hashes) + 1}, or use --bump"
        return replace(step, action="refused", reason="version_too_old", message=message)
    return replace(step, action="new_version" if hashes else "create")


def _standing(known: Deployed, version: int) -> str | None:
    """What a person should know of a version that is deployed and does not start instances."""
    if known.off is not None:
        reason = f": {known.off.reason}" if known.off.reason else ""
        return f"deactivated{reason}" if not known.off.pruned else None
    if version == max(known.versions) and known.active != version:
        return f"version {known.active} is active" if known.active is not None else "deactivated"
    return None
