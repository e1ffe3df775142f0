"""``weir actions``: what a service activity can do, and what one would do."""

import typer

from weir.cli.actions import dry_run, list_

app = typer.Typer(help="What service activities can do.", no_args_is_help=True)
app.command("list")(list_.list_)
app.command("dry-run")(dry_run.dry_run)
