"""``weir bpmn FILE|ID[:VERSION]``: a definition as a BPMN diagram."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from streams.core.definition import ProcessDefinition
from weir.bpmn import bpmn_text, draw
from weir.cli.errors import CliError, ExitCode
from weir.cli.output import err
from weir.cli.reading import read_file
from weir.cli.session import Session, session_of
from weir.repository import read_deployed
from weir.repository.named import definition_of, find, is_file, parse_name


def bpmn(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Argument(metavar="FILE|ID[:VERSION]", help="A file, or what is deployed.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where it goes, else stdout.")] = None,
) -> None:
    """Draw a definition as a BPMN 2.0 diagram, laid out, for tools that show and discuss processes.

    What BPMN has no element for stands in the documentation of its elements. A diagram cannot be deployed.
    """
    text = bpmn_text(draw(_definition(session_of(ctx), name)))
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CliError(f"Expected to write {output}, but got: {error}", code=ExitCode.USAGE) from None
    err().print(f"{name} is drawn in {output}", markup=False)


def _definition(session: Session, name: str) -> ProcessDefinition:
    if is_file(name):
        return read_file(Path(name))
    deployed = asyncio.run(read_deployed(session.settings, session.topics))
    return definition_of(find(parse_name(name), deployed))
