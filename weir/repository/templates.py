"""Where templates are found: in the folder of the definitions, and those that Weir brings along."""

from pathlib import Path

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
    template, problems = read_template(file.read_text(encoding="utf-8"), str(file))
    if template is None:
        raise DefinitionError(problems)
    return template
