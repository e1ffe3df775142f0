"""Definitions as people name them: ``pump``, ``pump:2``, or a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from pydantic import ValidationError

from streams.core.definition import ProcessDefinition
from streams.core.misfit import bare
from streams.core.parse import DefinitionError, parse_definition
from streams.core.suggest import suggest
from streams.core.yaml_text import yaml_text
from streams.deployed import Deployed, DeployedVersion

SUFFIXES = (".yaml", ".yml", ".json")


class UnknownNameError(ValueError):
    """Nothing that could be used has that name; the message says what there is."""


@dataclass(frozen=True, slots=True)
class Name:
    """``version`` is ``None`` for the active one."""

    id: str
    version: int | None = None

    def __str__(self) -> str:
        return self.id if self.version is None else f"{self.id}:{self.version}"


def parse_name(text: str) -> Name:
    """``pump`` or ``pump:2``.  Raises ``UnknownNameError``."""
    name, colon, version = text.partition(":")
    if not colon:
        return Name(name)
    if not version.isascii() or not version.isdigit() or not name:
        raise UnknownNameError(f"Expected the id of a definition, or ID:VERSION, but got {text!r}")
    return Name(name, int(version))


def is_file(text: str) -> bool:
    """Whether a file is meant."""
    return Path(text).suffix in SUFFIXES or Path(text).is_file()


def find(name: Name, deployed: Mapping[str, Deployed]) -> DeployedVersion:
    """The version that is meant: the named, the active, else the newest.  Raises ``UnknownNameError``."""
    known = deployed.get(name.id)
    if known is None or not known.versions:
        raise UnknownNameError(f"No definition {name.id!r} is deployed. {suggest(name.id, deployed, 'definition')}")
    version = known.active or known.newest if name.version is None else name.version
    if version not in known.versions:
        there = ", ".join(map(str, sorted(known.versions)))
        raise UnknownNameError(f"Expected a deployed version of {name.id}, but got {version}: there are {there}")
    return known.versions[version]


def definition_of(version: DeployedVersion) -> ProcessDefinition:
    """The definition itself.  Raises ``UnknownNameError`` where this Weir does not read it any more."""
    try:
        return ProcessDefinition.model_validate(msgspec.json.decode(version.definition))
    except ValidationError as error:
        why = "; ".join(f"{'.'.join(map(str, one['loc']))}: {bare(one['msg'])}" for one in error.errors())
        message = f"{version.id}:{version.version} was deployed, but this Weir does not read it: {why}"
        raise UnknownNameError(message) from None


def text_of(version: DeployedVersion, *, canonical: bool = False) -> str:
    """YAML that reads as the version: as somebody wrote it, comments and all, where that was deployed along.

    A text that does not lead to the same definition is not shown as if it did.
    """
    if version.source is not None and not canonical:
        try:
            if parse_definition(version.source).hash == version.hash:
                return version.source
        except DefinitionError:
            pass  # this Weir reads it differently: what was decided then stands in the definition
    return yaml_text(msgspec.json.decode(version.definition))
