"""``weir template list``: which templates are there?"""

import typer

from weir.cli import options
from weir.cli.output import print_json, print_table
from weir.cli.session import session_of
from weir.repository.templates import load_template, template_files


def list_(ctx: typer.Context, json: options.Json = False) -> None:
    """List the templates that `weir template instantiate` finds by their names."""
    settings = session_of(ctx).settings
    heads = [
        (name, load_template(name, settings).head, file) for name, file in sorted(template_files(settings).items())
    ]
    if json:
        print_json(
            [
                {"template": name, "name": head.name, "description": head.description, "file": str(file)}
                | {"parameters": list(head.parameters)}
                for name, head, file in heads
            ]
        )
        return
    rows = [(name, head.name, head.description, ", ".join(head.parameters)) for name, head, _ in heads]
    print_table(("template", "name", "description", "parameters"), rows, "There are no templates.")
