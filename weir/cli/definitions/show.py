"""``weir definitions show ID[:VERSION]``: what does it say?"""

import asyncio
from typing import Annotated

import msgspec
import typer

from weir.cli import options
from weir.cli.definitions.list_ import document
from weir.cli.output import print_json
from weir.cli.session import session_of
from weir.repository import read_deployed
from weir.repository.named import find, parse_name, text_of


def show(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Argument(metavar="ID[:VERSION]", help="Which one; the active version by default.")],
    canonical: Annotated[bool, typer.Option("--canonical", help="Not as it was written, but in the one form.")] = False,
    json: options.Json = False,
) -> None:
    """Print a deployed definition as YAML: as somebody wrote it, comments too, where the text was deployed along."""
    session = session_of(ctx)
    deployed = asyncio.run(read_deployed(session.settings, session.topics))
    found = find(parse_name(name), deployed)
    if not json:
        typer.echo(text_of(found, canonical=canonical), nl=False)
        return
    known = document(deployed[found.id])
    (version,) = [one for one in known.pop("versions") if one["version"] == found.version]
    content = {"definition": msgspec.json.decode(found.definition), "source": found.source}
    print_json({**known, **version, **content})
