"""Definitions in files that commands are given."""

from pathlib import Path

from streams.core.definition import ProcessDefinition
from streams.core.parse import parse_definition
from weir.cli.errors import CliError, ExitCode


def read_file(file: Path) -> ProcessDefinition:
    """The definition in a file.  Raises ``CliError``, ``DefinitionError``."""
    try:
        return parse_definition(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file}: Expected a text file in UTF-8, but got: {error}"
        raise CliError(message, reason="no_files", code=ExitCode.USAGE) from None
