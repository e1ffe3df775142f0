"""``weir deploy PATH…``: make process definitions known to the plant."""

import asyncio
from pathlib import Path
from typing import Any

import typer

from streams.core.commands import DeployDefinition
from streams.core.definition import ProcessDefinition
from weir.cli import options
from weir.cli.errors import ExitCode
from weir.cli.output import print_json, print_table
from weir.cli.session import session_of
from weir.cli.validate import Checked, Paths, check_file, definition_files, print_problems
from weir.client import CommandClient
from weir.watch import Accepted, Refused

UNCHANGED = "unchanged"


def deploy(ctx: typer.Context, paths: Paths, json: options.Json = False, timeout: options.Timeout = 30.0) -> None:
    """Deploy process definitions: files, or folders of them.

    All files are checked before the first is sent. A version never changes: new content needs a new version number.
    Deploying what is deployed already is no error.
    """
    session = session_of(ctx)
    checked = [check_file(file, session.topics) for file in definition_files(paths)]
    if any(one.problems for one in checked):
        if json:
            print_json([_invalid(one) for one in checked])
        print_problems(checked)
        raise typer.Exit(ExitCode.FAILED)

    async def send() -> list[dict[str, Any]]:
        async with CommandClient(session.settings, session.topics) as client:
            return [
                await deploy_one(client, one.definition, one.file, timeout)
                for one in checked
                if one.definition is not None
            ]

    results = asyncio.run(send())
    if json:
        print_json(results)
    else:
        columns = ("file", "id", "version", "outcome", "message")
        print_table(columns, [[result[column] for column in columns] for result in results], "")
    if any(result["outcome"] == "refused" for result in results):
        raise typer.Exit(ExitCode.FAILED)


async def deploy_one(
    client: CommandClient, definition: ProcessDefinition, file: Path, timeout_s: float
) -> dict[str, Any]:
    """Deploy one definition; ``outcome`` is deployed, unchanged or refused."""
    outcome = await client.send_and_wait(DeployDefinition(definition=definition.model_dump(mode="json")), timeout_s)
    result: dict[str, Any] = {"file": str(file), "id": definition.id, "version": definition.version}
    if isinstance(outcome, Accepted):
        return {**result, "outcome": "deployed", "reason": None, "message": None}
    reason = outcome.reason if isinstance(outcome, Refused) else "dead_letter"
    if reason == UNCHANGED:
        return {**result, "outcome": UNCHANGED, "reason": None, "message": None}
    return {**result, "outcome": "refused", "reason": reason, "message": outcome.message}


def _invalid(one: Checked) -> dict[str, Any]:
    outcome = "invalid" if one.problems else "not_sent"
    document = one.document()
    return {
        "file": document["file"],
        "id": document["id"],
        "version": document["version"],
        "outcome": outcome,
        "reason": "invalid_definition" if one.problems else None,
        "message": "\n".join(one.problems) or None,
    }
