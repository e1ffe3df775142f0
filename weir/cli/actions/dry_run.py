"""``weir actions dry-run FILE ACTIVITY``: what an action would do."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from streams.actions.base import ActionError
from streams.actions.dry_run import dry_connections
from streams.actions.dry_run import dry_run as effect_of
from streams.core.activities import ServiceNode
from streams.core.expressions import ExpressionError
from streams.core.process import Process, VariablesError, compile_process
from streams.core.suggest import suggest
from streams.secrets import Secrets, UnknownSecretError
from weir.cli import options
from weir.cli.errors import CliError, ExitCode
from weir.cli.options import parse_variables
from weir.cli.output import err, out, print_json
from weir.cli.reading import read_file
from weir.cli.session import session_of


def dry_run(
    ctx: typer.Context,
    *,
    file: Annotated[Path, typer.Argument(help="The definition.", show_default=False)],
    activity: Annotated[str, typer.Argument(help="The service activity's id.", show_default=False)],
    var: Annotated[
        list[str] | None, typer.Option("--var", "-v", metavar="NAME=VALUE", help="A variable; JSON, else text.")
    ] = None,
    variables: Annotated[str | None, typer.Option("--vars", metavar="JSON", help="Variables as a JSON object.")] = None,
    json: options.Json = False,
) -> None:
    """Tell what a service activity would do with these variables. Nothing is reached and nothing is changed.

    Secrets stay names; whether each is set here is told.
    """
    session = session_of(ctx)
    process = compile_process(read_file(file))
    node = _node(process, activity)
    given = parse_variables(var or [], variables)
    try:
        values = _values(process, given)
        effect = effect_of(node, values, process.id, dry_connections(session.settings, session.topics))
    except (VariablesError, ExpressionError) as error:
        raise CliError(f"{activity}: {error}", "Give it with --var NAME=VALUE", reason="variables") from None
    except ActionError as error:
        raise CliError(f"{activity}: {error}", "The action would fail for good", reason=error.error_type) from None
    secrets = {name: _is_set(name, Secrets.of(session.settings)) for name in sorted(node.config.secrets)}
    if json:
        print_json({"action": node.action, "does": effect.does, "details": effect.details, "secrets": secrets})
        return
    out().print(f"{activity}: {effect.does}", markup=False)
    out().print(orjson.dumps(effect.details, option=orjson.OPT_INDENT_2).decode(), markup=False)
    for name in [name for name, is_set in secrets.items() if not is_set]:
        err().print(f"secret {name!r} is not set here: WEIR_SECRET_{name.upper()}", markup=False)


def _node(process: Process, activity: str) -> ServiceNode:
    node = process.activities.get(activity)
    if isinstance(node, ServiceNode):
        return node
    services = [one.id for one in process.activities.values() if isinstance(one, ServiceNode)]
    what = "is none" if node is not None else "is not there"
    message = f"Expected a service activity of {process.id}, but {activity!r} {what}."
    raise CliError(message, suggest(activity, services, "activity"), reason="activity", code=ExitCode.USAGE)


def _values(process: Process, given: dict[str, Any]) -> dict[str, Any]:
    """All variables; those that an earlier activity would set need a value only where they are read."""
    declared = {name: value for name, value in given.items() if name in process.variables}
    return {**given, **process.initial_variables(declared)}


def _is_set(name: str, secrets: Secrets) -> bool:
    try:
        secrets.value(name)
    except UnknownSecretError:
        return False
    return True
