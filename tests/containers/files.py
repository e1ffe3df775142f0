"""The container files as data: ``docker-compose.yml`` with its variables filled in, and the Dockerfile's stages."""

import re
import shlex
import subprocess
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
COMPOSE, DOCKERFILE, IGNORE = ROOT / "docker-compose.yml", ROOT / "Dockerfile", ROOT / ".dockerignore"
VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+):-(?P<default>[^}]*)\}|(?P<other>))")


def load_compose(**variables: str) -> dict[str, Any]:
    """The whole file; ``variables`` are those of the shell that runs ``docker compose``."""

    def value(match: re.Match[str]) -> str:
        assert match["other"] is None, f"only ${{NAME:-default}} and $$ are used, but: {match.string!r}"
        return "$" if match["dollar"] else variables.get(match["name"], match["default"])

    def fill(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: fill(child) for name, child in node.items()}
        if isinstance(node, list):
            return [fill(child) for child in node]
        return VARIABLE.sub(value, node) if isinstance(node, str) else node

    return fill(YAML(typ="safe", pure=True).load(COMPOSE))


@dataclass
class Stage:
    """A stage of the Dockerfile: what it is built on, and its instructions as (word, rest)."""

    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """What follows ``word``, each time."""
        return [rest for found, rest in self.instructions if found == word]

    def environment(self) -> dict[str, str]:
        """``ENV``."""
        return dict(pair.split("=", 1) for rest in self.all("ENV") for pair in shlex.split(rest))

    def copied(self) -> dict[str, str]:
        """``COPY`` from the tree: source to destination."""
        found = {}
        for rest in self.all("COPY"):
            *sources, destination = rest.split()
            if not sources[0].startswith("--from"):
                found |= {
                    source: f"{destination}{source}" if destination.endswith("/") else destination for source in sources
                }
        return found


@cache
def stages() -> tuple[Stage, ...]:
    """The stages in order."""
    found: list[Stage] = []
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            word, rest = line.split(maxsplit=1)
            if word == "FROM":
                found.append(Stage(rest.split()[0]))
            else:
                found[-1].instructions.append((word, rest))
    return tuple(found)


def health_command() -> str:
    """The shell command of the image's ``HEALTHCHECK``."""
    [check] = stages()[-1].all("HEALTHCHECK")
    return check.split("CMD ", 1)[1]


@cache
def tracked() -> frozenset[str]:
    """Every file in git, and every folder that holds one."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = listed.splitlines()
    return frozenset(files) | {str(parent) for file in files for parent in Path(file).parents}


def reaches_the_build(path: str) -> bool:
    """Whether ``.dockerignore`` lets ``path`` through; the last pattern that matches decides."""
    allowed = True
    for line in IGNORE.read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            places = [path, *map(str, Path(path).parents)]
            names = [place.rsplit("/", 1)[-1] for place in places]
            if any(fnmatch(place, pattern) for place in places) or pattern.removeprefix("**/") in names:
                allowed = line.startswith("!")
    return allowed
