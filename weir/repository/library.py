"""The library: templates that are files, and those that people have saved.  A file's id is not to be saved under.

One that cannot be read (an older Weir has saved it, somebody has edited the file) stays in it, with what is wrong.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from projections.queries import SavedTemplate
from streams.core.problems import DefinitionError, Problem
from streams.core.templates import Template
from streams.settings import Settings
from weir.repository.templates import parsed, template_files


@dataclass(frozen=True, slots=True)
class Entry:
    """A template of the library, or the ``problems`` of what is none; ``saved`` is ``None`` for a file.

    A file that is no template goes by its name.
    """

    id: str
    file: str
    text: str
    template: Template | None
    problems: tuple[Problem, ...] = ()
    saved: SavedTemplate | None = None

    @classmethod
    def of(cls, saved: SavedTemplate) -> Self:
        """One that somebody has saved."""
        template, problems = _read(saved.template_data, saved.id)
        return cls(saved.id, saved.id, saved.template_data, template, problems, saved)

    @classmethod
    def at(cls, file: Path) -> Self:
        """One that is a file."""
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            message = f"Expected a text file in UTF-8, but got: {error}"
            return cls(file.stem, str(file), "", None, (Problem(str(file), None, None, "", message),))
        template, problems = _read(text, str(file))
        return cls(file.stem if template is None else template.head.id, str(file), text, template, problems)

    @property
    def source(self) -> Literal["file", "saved"]:
        """Where it is kept."""
        return "file" if self.saved is None else "saved"

    def is_for(self, user: str, *, admin: bool) -> bool:
        """Whether ``user`` sees it."""
        return self.saved is None or self.saved.is_public or self.is_of(user, admin=admin)

    def is_of(self, user: str, *, admin: bool) -> bool:
        """Whether ``user`` may replace or remove it."""
        return self.saved is not None and (admin or self.saved.created_by == user)


def files(settings: Settings) -> dict[str, Entry]:
    """Those that are files, by id.  Reads the disk, and may take a while: not for an event loop."""
    return {one.id: one for one in map(Entry.at, template_files(settings).values())}


def library(settings: Settings, saved: Iterable[SavedTemplate]) -> dict[str, Entry]:
    """All of them, by id.  As slow as ``files``."""
    return {one.id: Entry.of(one) for one in saved} | files(settings)


def _read(text: str, file: str) -> tuple[Template | None, tuple[Problem, ...]]:
    try:
        return parsed(text, file), ()
    except DefinitionError as error:
        return None, tuple(one for one in error.problems if one.severity == "error")
