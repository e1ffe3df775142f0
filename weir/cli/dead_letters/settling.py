"""What ``retry`` and ``drop`` share: carrying out an order, and telling how it went."""

import asyncio

import typer

from weir.cli.errors import CliError, ExitCode
from weir.cli.output import Bar, err, out, print_json
from weir.cli.session import Session
from weir.letters.document import document
from weir.letters.letter import Letter
from weir.letters.settling import Order, Settled, desk

SHOWN = 20


def carry_out(session: Session, order: Order, *, dry_run: bool, as_json: bool) -> None:
    """Do it and tell.  Exit code 1 when a letter was left that was asked for."""
    settled = asyncio.run(_settle(session, order, dry_run=dry_run))
    unknown = set(order.selection.places) - {letter.place for letter in _all(settled)}
    if unknown:
        raise CliError(
            f"There is no dead letter {', '.join(map(str, sorted(unknown)))}.",
            f"{len(settled.done)} others were {order.what}. `weir dead-letters list --all` shows what there is.",
            reason="unknown_letter",
        )
    if as_json:
        print_json(
            {
                order.what: [document(letter) for letter in settled.done],
                "left": [{**document(letter), "why": why} for letter, why in settled.left],
                "dry_run": dry_run,
            }
        )
    else:
        _tell(order, settled, dry_run=dry_run)
    if settled.left:
        raise typer.Exit(ExitCode.FAILED)


def _all(settled: Settled) -> list[Letter]:
    return [*settled.done, *(letter for letter, _ in settled.left)]


def _tell(order: Order, settled: Settled, *, dry_run: bool) -> None:
    for letter in settled.done[:SHOWN]:
        to = f" to {', '.join(letter.fate.to)}" if letter.fate is not None and letter.fate.to else ""
        out().print(f"{letter.place}  {order.what}{to}", markup=False)
    more = f" ({SHOWN} are shown)" if len(settled.done) > SHOWN else ""
    would = "would be " if dry_run else ""
    out().print(f"{len(settled.done):,} {would}{order.what}{more}, {len(settled.left):,} left", markup=False)
    for letter, why in settled.left[:SHOWN]:
        err().print(f"{letter.place}  left: {why}", markup=False)


async def _settle(session: Session, order: Order, *, dry_run: bool) -> Settled:
    async with desk(session.settings, session.topics, dry_run=dry_run) as here:
        with Bar() as bar:

            def progress(done: int, total: int) -> None:
                if bar.on_terminal:
                    bar.show("settling dead letters", done, max(1, total))

            return await here.settle(order, progress)
