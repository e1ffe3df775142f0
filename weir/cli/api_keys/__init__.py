"""``weir api-keys``: who may ask the gateway."""

import typer

from weir.cli.api_keys import create, list_, revoke

app = typer.Typer(help="API keys of the gateway: who may ask it, and for what.", no_args_is_help=True)
app.command("create")(create.create)
app.command("list")(list_.list_)
app.command("revoke")(revoke.revoke)
