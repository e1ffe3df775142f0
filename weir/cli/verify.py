"""``weir verify``: is everything what the log says?"""

import asyncio
from typing import Annotated

import typer

from streams.codec import UpgradeError
from streams.core.ids import partition_of
from streams.log import LogError
from weir.cli import options
from weir.cli.errors import CliError, ExitCode
from weir.cli.options import check_instance
from weir.cli.output import Bar, out, print_json, print_table
from weir.cli.session import Session, session_of
from weir.verify.report import Report
from weir.verify.run import verify as run

SHOWN = 20
COLUMNS = ("what", "which", "seq", "how")
InstanceId = Annotated[str | None, typer.Argument(metavar="[ID]", help="Only this instance.", show_default=False)]


def verify(ctx: typer.Context, instance: InstanceId = None, *, json: options.Json = False) -> None:
    """Fold the log of events and compare the processor's table and the database with it.

    It reads only, and everything may go on meanwhile. Exit code 1 when something differs.
    """
    session = session_of(ctx)
    only = None if instance is None else check_instance(instance, "ID")
    if only is not None and partition_of(only) >= session.topics.partitions:
        raise _unknown(only)
    report = _run(session, only)
    if only is not None and report.instances == 0 and report.ok:
        raise _unknown(only)
    if json:
        print_json(report.document())
    else:
        tell(report)
    if not report.ok:
        raise typer.Exit(ExitCode.FAILED)


def _unknown(instance: str) -> CliError:
    return CliError(f"There is no instance {instance} in the log.", reason="unknown_instance")


def tell(report: Report) -> None:
    """The differences, at most ``SHOWN`` of them, and a sentence."""
    folded = f"{report.instances:,} instances, {report.events:,} events in {report.partitions} partitions"
    if report.expired:
        folded += f" ({report.expired:,} instances are too old for the database)"
    if report.ok:
        out().print(f"Log, table and database are equal: {folded}.")
        return
    found = report.differences
    print_table(COLUMNS, ((one.kind, one.subject, one.seq, one.message) for one in found[:SHOWN]), "")
    more = f", of which {SHOWN} are shown; --json has all" if len(found) > SHOWN else ""
    out().print(f"{len(found):,} differences{more}: {folded}.")


def _run(session: Session, only: str | None) -> Report:
    with Bar() as bar:

        def progress(done: int, total: int) -> None:
            if bar.on_terminal:
                bar.show("folding and comparing", min(done, total), max(1, total))

        try:
            return asyncio.run(run(session.settings, session.topics, progress, only))
        except LogError as error:
            raise CliError(str(error), reason="log") from error
        except UpgradeError as error:
            raise CliError(str(error), reason="upgrade") from error
