"""``weir definitions``: what is deployed."""

import typer

from weir.cli.definitions import list_, show

app = typer.Typer(help="The deployed definitions, their versions, and what they say.", no_args_is_help=True)
app.command("list")(list_.list_)
app.command("show")(show.show)
