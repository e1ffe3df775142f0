"""``weir template list``: which templates are there?"""

from typing import Any

import typer

from weir.cli import options
from weir.cli.output import print_json, print_table
from weir.cli.session import session_of
from weir.repository.library import Entry
from weir.repository.templates import template_files


def list_(ctx: typer.Context, json: options.Json = False) -> None:
    """List the templates that `weir template instantiate` finds by their names."""
    files = sorted(template_files(session_of(ctx).settings).items())
    entries = [(name, Entry.at(file)) for name, file in files]
    if json:
        print_json([{"template": name} | _told(one) | {"file": one.file} for name, one in entries])
        return
    told = [(name, _told(one)) for name, one in entries]
    rows = [
        (name, one["name"], one.get("problem", one["description"]), ", ".join(one["parameters"])) for name, one in told
    ]
    print_table(("template", "name", "description", "parameters"), rows, "There are no templates.")


def _told(entry: Entry) -> dict[str, Any]:
    """One that cannot be read is told with its ``problem``."""
    if entry.template is None:
        return {"name": None, "description": None, "parameters": [], "problem": str(entry.problems[0])}
    head = entry.template.head
    return {"name": head.name, "description": head.description, "parameters": list(head.parameters)}
