"""``weir deploy PATH…``: make process definitions known to the plant."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from streams.deployed import Deployed
from weir.cli import options
from weir.cli.errors import CliError, ExitCode
from weir.cli.output import err, print_json, print_table
from weir.cli.session import Session, session_of
from weir.cli.validate import Checked, Paths, check_file, definition_files, print_problems
from weir.client import CommandClient
from weir.repository import Candidate, plan, read_deployed
from weir.repository.apply import Done, apply, not_done
from weir.repository.references import missing

COLUMNS = ("file", "id", "version", "action", "outcome", "message")


def deploy(
    ctx: typer.Context,
    *,
    paths: Paths,
    prune: Annotated[
        bool, typer.Option("--prune", help="Deactivate every definition of the plant that is not in these folders.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, and do nothing.")] = False,
    bump: Annotated[
        bool, typer.Option("--bump", help="Give changed content the next version, in the file too.")
    ] = False,
    json: options.Json = False,
    timeout: options.Timeout = 30.0,
) -> None:
    """Deploy process definitions: files, or folders of them.

    All files are checked, and compared with what is deployed, before the first is sent; when one is wrong, or its
    version is taken, none is. Should the processor refuse one nevertheless, what comes after it is not sent. A version
    never changes: new content needs a new version number. Deploying what is deployed already is no error. With
    `--prune` the folders are the truth: what they have no more starts nothing any more, what runs goes on. In a Git
    repository the commit goes along.
    """
    session = session_of(ctx)
    if prune and not all(path.is_dir() for path in paths):
        raise typer.BadParameter("Expected folders only: what is not in them is deactivated", param_hint="--prune")
    checked = [check_file(file, session.topics) for file in definition_files(paths)]
    if any(one.problems for one in checked):
        if json:
            print_json([_unsent(one) for one in checked])
        print_problems(checked)
        raise typer.Exit(ExitCode.FAILED)
    candidates = candidates_of(checked)
    if prune and not candidates:
        raise CliError("Expected a definition in these folders: with none, --prune would deactivate everything.")
    folder = paths[0] if paths[0].is_dir() else None
    results = asyncio.run(
        deploy_candidates(session, candidates, timeout, folder=folder, prune=prune, bump=bump, dry_run=dry_run)
    )
    show(results, json=json)


def candidates_of(checked: list[Checked]) -> list[Candidate]:
    """The definitions among what was checked: templates are not deployed."""
    return [Candidate(one.file, one.definition, one.text) for one in checked if one.definition is not None]


def show(results: list[Done], *, json: bool) -> None:
    """Tell what was done.  Raises ``typer.Exit`` where something was refused."""
    documents = [result.document() for result in results]
    if json:
        print_json(documents)
    else:
        rows = [[document[column] for column in COLUMNS] for document in documents]
        print_table(COLUMNS, rows, "Nothing to do.")
    if any(result.outcome == "refused" for result in results):
        raise typer.Exit(ExitCode.FAILED)


async def deploy_candidates(
    session: Session,
    candidates: list[Candidate],
    timeout_s: float,
    *,
    folder: Path | None = None,
    prune: bool = False,
    bump: bool = False,
    dry_run: bool = False,
) -> list[Done]:
    """Deploy, or with ``dry_run`` tell what that would do.  ``folder`` is where the files are from."""
    deployed = await read_deployed(session.settings, session.topics)
    steps = plan(candidates, deployed, prune=prune, bump=bump)
    _warn(candidates, deployed)
    if dry_run or any(step.action == "refused" for step in steps):
        return not_done(steps, "planned" if dry_run else "not_sent")
    if all(step.action == "unchanged" for step in steps):
        return not_done(steps, "")
    async with CommandClient(session.settings, session.topics) as client:
        return await apply(client, steps, timeout_s, folder)


def _warn(candidates: list[Candidate], deployed: Mapping[str, Deployed]) -> None:
    """Tell which processes start others that are nowhere."""
    known = {*deployed, *(one.definition.id for one in candidates)}
    for one in candidates:
        for name in missing(one.definition, known):
            message = f"{one.file}: warning: {one.definition.id} starts {name}, which is not deployed"
            err().print(message, markup=False)


def _unsent(one: Checked) -> dict[str, Any]:
    document = one.document()
    return {
        "file": document["file"],
        "id": document["id"],
        "version": document["version"],
        "action": None,
        "outcome": "invalid" if one.problems else "not_sent",
        "reason": "invalid_definition" if one.problems else None,
        "message": "\n".join(one.problems) or None,
    }
