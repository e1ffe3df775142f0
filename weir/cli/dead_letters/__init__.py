"""``weir dead-letters``: what could not be used, and what becomes of it."""

import typer

from weir.cli.dead_letters import drop, list_, retry, show

app = typer.Typer(help="Records that could not be used, kept as they came.", no_args_is_help=True)
app.command("list")(list_.list_)
app.command("show")(show.show)
app.command("retry")(retry.retry)
app.command("drop")(drop.drop)
