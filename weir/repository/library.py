"""The library: templates that are files, and those that people have saved.  A file's id is not to be saved under."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self

from projections.queries import SavedTemplate
from streams.core.templates import Template
from streams.settings import Settings
from weir.repository.templates import parsed, template_files


@dataclass(frozen=True, slots=True)
class Entry:
    """A template of the library; ``saved`` is ``None`` for a file."""

    template: Template
    saved: SavedTemplate | None = None

    @classmethod
    def of(cls, saved: SavedTemplate) -> Self:
        """Raises ``DefinitionError``."""
        return cls(parsed(saved.template_data, saved.id), saved)

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
    """Those that are files, by id.  Raises ``DefinitionError`` for one that is none."""
    loaded = [parsed(file.read_text(encoding="utf-8"), str(file)) for file in template_files(settings).values()]
    return {template.head.id: Entry(template) for template in loaded}


def with_saved(entries: dict[str, Entry], saved: Iterable[SavedTemplate]) -> dict[str, Entry]:
    """All of them, by id."""
    return {one.id: Entry.of(one) for one in saved} | entries
