"""``weir tasks``: what people have to do, and doing it."""

import typer

from weir.cli.tasks import assign, claim, complete, delegate, list_, show, unclaim, update

app = typer.Typer(help="User tasks: what there is to do, and doing it.", invoke_without_command=True)
app.callback()(list_.list_)
app.command("show")(show.show)
app.command("claim")(claim.claim)
app.command("unclaim")(unclaim.unclaim)
app.command("assign")(assign.assign)
app.command("delegate")(delegate.delegate)
app.command("complete")(complete.complete)
app.command("update")(update.update)
