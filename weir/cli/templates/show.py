"""``weir template show NAME``: what does a template take?"""

from typing import Annotated

import msgspec
import typer

from streams.core.templates.placeholders import shown
from weir.cli import options
from weir.cli.output import out, print_json, print_table
from weir.cli.session import session_of
from weir.repository.templates import load_template, parameters_of

Name = Annotated[str, typer.Argument(metavar="NAME", help="The template's name, or its file.", show_default=False)]


def show(ctx: typer.Context, *, name: Name, json: options.Json = False) -> None:
    """Show a template's parameters: their types, defaults, and what they mean."""
    template = load_template(name, session_of(ctx).settings)
    head = template.head
    if json:
        print_json(
            {
                "template": head.id,
                "name": head.name,
                "description": head.description,
                "file": template.file,
                "parameters": msgspec.to_builtins(parameters_of(template)),
            }
        )
        return
    out().print(f"{head.id}: {head.description or head.name or ''}\n", markup=False)
    rows = [
        (
            parameter,
            one.type if not one.choices else " | ".join(map(str, one.choices)),
            "required" if one.needed else shown(one.default),
            None if one.example is None else shown(one.example),
            one.description,
        )
        for parameter, one in head.parameters.items()
    ]
    print_table(("parameter", "type", "default", "example", "description"), rows, "It takes no parameters.")
