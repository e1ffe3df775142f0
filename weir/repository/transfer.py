"""All versions of a plant's definitions as a folder, and back.

``<id>/<version>.yaml``    each version, as it was written
``weir-export.json``       what is active of each, and who deployed what when
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from streams.core.commands import ActivateDefinition, DeactivateDefinition, DefinitionCommand
from streams.core.state import Off
from streams.deployed import Activation, Deployed
from weir.repository.named import Name, find, text_of
from weir.repository.origin import origin_of

MANIFEST = "weir-export.json"
VERSION = 1


class Entry(msgspec.Struct, kw_only=True):
    """What the manifest has of a definition."""

    active: int | None
    off: Off | None = None
    retired: list[int] = []
    versions: dict[str, dict[str, Any]] = {}


class Manifest(msgspec.Struct, kw_only=True):
    """``definitions`` by id."""

    v: int = VERSION
    definitions: dict[str, Entry]


class ManifestError(ValueError):
    """A folder's manifest cannot be used."""


def chosen(names: Iterable[Name], deployed: Mapping[str, Deployed]) -> dict[str, Deployed]:
    """What is named of what is deployed, all of it where nothing is: whole definitions, or versions of them.

    A version that is active and not chosen is not told as active.  Raises ``UnknownNameError``.
    """
    wanted: dict[str, set[int]] = {}
    for name in names:
        version = find(name, deployed).version
        wanted.setdefault(name.id, set()).update(deployed[name.id].versions if name.version is None else [version])
    return {one: _only(known, wanted.get(one)) for one, known in deployed.items() if not wanted or one in wanted}


def _only(known: Deployed, versions: set[int] | None) -> Deployed:
    if versions is None or versions == set(known.versions):
        return known
    newest = known.versions[known.newest]
    told = known.activation or Activation(v=newest.v, id=known.id, active=newest.version, changed_at=newest.deployed_at)
    activation = msgspec.structs.replace(
        told,
        active=told.active if told.active in versions else None,
        retired=[one for one in told.retired if one in versions],
    )
    return Deployed(known.id, {number: one for number, one in known.versions.items() if number in versions}, activation)


def exported(deployed: Mapping[str, Deployed], *, active: bool, canonical: bool) -> dict[str, str]:
    """The texts of an export, by their paths in its folder.

    ``active``: only those that start instances, as ``<id>.yaml``: a folder to deploy from.
    """
    if active:
        return {
            f"{known.id}.yaml": text_of(known.versions[known.active], canonical=canonical)
            for known in deployed.values()
            if known.active is not None
        }
    texts = {
        f"{known.id}/{number}.yaml": text_of(version, canonical=canonical)
        for known in deployed.values()
        for number, version in sorted(known.versions.items())
    }
    return {**texts, MANIFEST: _manifest(deployed)}


def _manifest(deployed: Mapping[str, Deployed]) -> str:
    definitions = {
        known.id: Entry(
            active=known.active,
            off=known.off,
            retired=[] if known.activation is None else known.activation.retired,
            versions={
                str(number): {"hash": one.hash, "deployed_at": one.deployed_at, "origin": one.origin}
                for number, one in sorted(known.versions.items())
            },
        )
        for known in deployed.values()
    }
    return msgspec.json.format(msgspec.json.encode(Manifest(definitions=definitions))).decode() + "\n"


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of an export's folder, ``None`` where there is none.  Raises ``ManifestError``."""
    file = folder / MANIFEST
    if not file.is_file():
        return None
    try:
        manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
    except msgspec.MsgspecError as error:
        raise ManifestError(f"{file}: Expected what `weir export` has written, but got: {error}") from None
    if manifest.v > VERSION:
        raise ManifestError(f"{file} has format v{manifest.v}: upgrade this Weir to read it")
    return manifest


def activations(manifest: Manifest, before: Mapping[str, Deployed]) -> list[DefinitionCommand]:
    """The commands that make the same versions active as in the exported plant, once all are deployed.

    What the plant had ``before`` stays as its people have it.
    """
    commands: list[DefinitionCommand] = []
    for name, entry in manifest.definitions.items():
        if name in before:
            continue
        newest = max(map(int, entry.versions), default=None)
        commands += [
            DeactivateDefinition(definition_id=name, version=number, origin=origin_of()) for number in entry.retired
        ]
        if entry.active is not None and entry.active != newest:
            commands.append(ActivateDefinition(definition_id=name, version=entry.active, origin=origin_of()))
        if entry.off is not None:
            reason, pruned = entry.off.reason, entry.off.pruned
            commands.append(DeactivateDefinition(definition_id=name, reason=reason, pruned=pruned, origin=origin_of()))
    return commands
