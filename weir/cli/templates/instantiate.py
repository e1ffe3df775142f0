"""``weir template instantiate NAME``: a definition from a template, to keep or to deploy."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from streams.core.definition import ProcessDefinition
from streams.core.parse import DefinitionError
from streams.core.templates import ParametersError, Template, fill
from weir.cli import options
from weir.cli.errors import CliError, ExitCode
from weir.cli.options import parse_object
from weir.cli.output import err, out, print_json
from weir.cli.session import Session, session_of
from weir.cli.templates.show import Name
from weir.client import CommandClient
from weir.repository.apply import deployment, send
from weir.repository.origin import origin_of
from weir.repository.templates import load_template


def instantiate(
    ctx: typer.Context,
    *,
    name: Name,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter's value.")
    ] = None,
    params: Annotated[str | None, typer.Option("--params", metavar="JSON", help="Values as a JSON object.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it to this file.", dir_okay=False)
    ] = None,
    deploy: Annotated[bool, typer.Option("--deploy", help="Deploy it.")] = False,
    json: options.Json = False,
    timeout: options.Timeout = 30.0,
) -> None:
    """Make a definition from a template: print it, write it to a file, or deploy it.

    It is checked as any other; the places of its mistakes are those in the template.
    """
    session = session_of(ctx)
    template = load_template(name, session.settings)
    try:
        filled = fill(template, values_of(template, param or [], params))
    except ParametersError as error:
        hint = f"`weir template show {template.head.id}` tells what it takes."
        raise CliError(str(error), hint, reason="invalid_parameters", code=ExitCode.USAGE) from None
    definition, problems = filled.check()
    if definition is None:
        raise DefinitionError(problems)
    for problem in problems:
        err().print(str(problem), markup=False)
    text = filled.text()
    if output is not None:
        output.write_text(text, encoding="utf-8")
    outcome = asyncio.run(_deploy(session, template, definition, text, timeout)) if deploy else None
    if json:
        named = {"id": definition.id, "version": definition.version, "template": template.head.id}
        file = None if output is None else str(output)
        print_json({**named, "file": file, "outcome": outcome, "text": text})
    elif outcome is not None:
        out().print(f"{definition.id}:{definition.version}  {outcome}", markup=False)
    elif output is None:
        typer.echo(text, nl=False)
    else:
        out().print(f"{definition.id} in {output}", markup=False)


def values_of(template: Template, pairs: list[str], text: str | None) -> dict[str, Any]:
    """The values of ``--params JSON`` and of each ``--param name=value``, which wins.

    A text is a text, whatever it looks like, where the parameter's type says so.  Raises ``typer.BadParameter``.
    """
    values = parse_object(text, "--params") if text is not None else {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"Expected name=value, but got {pair[:80]!r}", param_hint="--param")
        known = template.head.parameters.get(name)
        if known is not None and known.type in {"string", "duration"}:
            values[name] = value
            continue
        try:
            values[name] = orjson.loads(value)
        except orjson.JSONDecodeError:
            values[name] = value
    return values


async def _deploy(
    session: Session, template: Template, definition: ProcessDefinition, text: str, timeout_s: float
) -> str:
    unheard = definition.unheard(session.topics.telemetry, session.topics.mqtt_routes)
    if unheard is not None:
        raise CliError(f"{definition.id}: {unheard}", reason="undeclared_topic")
    origin = origin_of(template=template.head.id)
    async with CommandClient(session.settings, session.topics) as client:
        reason, message = await send(client, deployment(definition, text, origin), timeout_s)
    if reason not in {"", "unchanged"}:
        hint = "Give the template a parameter for it, or write the definition to a file." if "version" in reason else ""
        raise CliError(message or reason, hint, reason=reason)
    return reason or "deployed"
