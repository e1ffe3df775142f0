"""``weir export DIR``, ``weir import PATH``: the definitions of a plant as a folder."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from weir.cli import options
from weir.cli.deploy import candidates_of, deploy_candidates, show
from weir.cli.errors import CliError, ExitCode
from weir.cli.output import out, print_json
from weir.cli.session import Session, session_of
from weir.cli.validate import check_file, definition_files, print_problems
from weir.client import CommandClient
from weir.repository import Candidate, read_deployed
from weir.repository.apply import Done, send
from weir.repository.named import parse_name
from weir.repository.transfer import Manifest, activations, chosen, exported, read_manifest


def export(
    ctx: typer.Context,
    *,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go.", file_okay=False)],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[ID[:VERSION]...]", help="Only these definitions, or versions.")
    ] = None,
    active: Annotated[
        bool, typer.Option("--active", help="Only the active versions, as ID.yaml: a folder to deploy from.")
    ] = False,
    canonical: Annotated[
        bool, typer.Option("--canonical", help="Not as they were written, but in the one form.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Write every version of the deployed definitions to a folder, and what is active of them.

    Files that are there are overwritten; others stay.
    """
    wanted = [parse_name(name) for name in names or ()]
    if active and (version := next((name for name in wanted if name.version is not None), None)) is not None:
        message = f"Expected ids of definitions, whose active versions are written, but got {version}"
        raise typer.BadParameter(message, param_hint="--active")
    session = session_of(ctx)
    deployed = asyncio.run(read_deployed(session.settings, session.topics))
    texts = exported(chosen(wanted, deployed), active=active, canonical=canonical)
    for path, text in texts.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    if json:
        print_json({"folder": str(folder), "files": sorted(texts)})
    else:
        out().print(f"{len(texts)} files in {folder}", markup=False)


def import_(
    ctx: typer.Context,
    *,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="What `weir export` has written, or a file of it.")],
    json: options.Json = False,
    timeout: options.Timeout = 30.0,
) -> None:
    """Deploy what was exported: all versions, and what was active of definitions that are new to this plant.

    Nothing is done when one is wrong, or its version is taken here. Importing again does nothing.
    """
    session = session_of(ctx)
    manifest = read_manifest(path) if path.is_dir() else None
    checked = [check_file(file, session.topics) for file in definition_files([path])]
    if any(one.problems for one in checked):
        print_problems(checked)
        raise CliError(
            "Expected definitions that can be deployed here.", reason="invalid_definition", code=ExitCode.FAILED
        )
    show(asyncio.run(_import(session, candidates_of(checked), manifest, timeout)), json=json)


async def _import(
    session: Session, candidates: list[Candidate], manifest: Manifest | None, timeout_s: float
) -> list[Done]:
    before = await read_deployed(session.settings, session.topics)
    results = await deploy_candidates(session, candidates, timeout_s)
    if manifest is None or any(one.outcome == "refused" for one in results):
        return results
    commands = activations(manifest, before)
    if commands:
        async with CommandClient(session.settings, session.topics) as client:
            for command in commands:
                reason, message = await send(client, command, timeout_s)
                if reason not in {"", "unchanged"}:
                    raise CliError(message or reason, reason=reason)
    return results
