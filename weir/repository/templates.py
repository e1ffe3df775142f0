"""Where templates are found: in the folder of the definitions, and those that Weir brings along."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from streams.core.problems import DefinitionError
from streams.core.suggest import suggest
from streams.core.templates import Template, read_template
from streams.settings import Settings
from weir.home import PROJECT
from weir.repository.named import UnknownNameError, is_file

FOLDER = "templates"


def template_files(settings: Settings) -> dict[str, Path]:
    """The files by their names without suffix; a template of one's own hides a shipped one of the same name."""
    folders = (PROJECT / "definitions" / FOLDER, settings.definitions_path / FOLDER)
    return {file.stem: file for folder in folders for file in sorted(folder.glob("*.y*ml"))}


def load_template(name: str, settings: Settings) -> Template:
    """The template of that name, or in that file.  Raises ``UnknownNameError``, ``DefinitionError``."""
    files = template_files(settings)
    if name in files:
        file = files[name]
    elif is_file(name) and Path(name).is_file():
        file = Path(name)
    else:
        raise UnknownNameError(f"There is no template {name!r}. {suggest(name, files, 'template')}")
    return parsed(file.read_text(encoding="utf-8"), str(file))


@lru_cache(maxsize=256)
def parsed(text: str, file: str) -> Template:
    """The template in ``text``, which is read once; ``file`` names it in problems.  Raises ``DefinitionError``."""
    template, problems = read_template(text, file)
    if template is None:
        raise DefinitionError(problems)
    return template


class TemplateParameter(msgspec.Struct, frozen=True, kw_only=True):
    """One that an instantiation may give; it must where it is ``required``."""

    name: str
    type: str
    required: bool
    default: Any
    choices: list[Any]
    example: Any
    description: str | None


def parameters_of(template: Template) -> list[TemplateParameter]:
    """What it takes, for people and programs."""
    return [
        TemplateParameter(
            name=name,
            type=one.type,
            required=one.needed,
            default=one.default,
            choices=list(one.choices),
            example=one.example,
            description=one.description,
        )
        for name, one in template.head.parameters.items()
    ]
