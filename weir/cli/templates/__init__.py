"""``weir template``: definitions with parameters."""

import typer

from weir.cli.templates import instantiate, list_, show

app = typer.Typer(
    help="Definitions with parameters: those in `templates/` of the definitions' folder, and Weir's own.",
    no_args_is_help=True,
)
app.command("list")(list_.list_)
app.command("show")(show.show)
app.command("instantiate")(instantiate.instantiate)
