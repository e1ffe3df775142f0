"""``weir replay``: build again what follows from the log."""

import asyncio
import time
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import asyncpg
import typer

from projections.errors import ProjectionError
from projections.replay import Progress, ReplayReport, replay_projections
from streams.database import is_transient
from streams.log import LogError
from weir.cli import options
from weir.cli.errors import CliError, ExitCode
from weir.cli.output import Bar, moment, out, print_json, print_table
from weir.cli.session import Session, session_of
from weir.database import connected
from weir.replay import ReplayError, replay_state

LINE_EVERY_S = 10.0
Projections = Annotated[
    bool,
    typer.Option(
        "--projections",
        help="The projected tables of the database, from the topics. Everything goes on meanwhile, and the new tables "
        "take the place of the old in one transaction.",
    ),
]
State = Annotated[
    bool,
    typer.Option("--state", help="The processor's table, from process-events. Stop the processors first."),
]
Restart = Annotated[
    bool, typer.Option("--restart", help="With --projections: begin anew instead of going on with what is there.")
]
IgnoreChangelog = Annotated[
    bool, typer.Option("--ignore-changelog", help="With --state: do not believe the position that the changelog has.")
]


def replay(
    ctx: typer.Context,
    *,
    projections: Projections = False,
    state: State = False,
    restart: Restart = False,
    ignore_changelog: IgnoreChangelog = False,
    json: options.Json = False,
) -> None:
    """Rebuild from the topics what follows from them: --projections or --state.

    Interrupted anywhere, it leaves what is in use as it was; run again, it goes on. Tables of the database that hold
    what is in no topic are not touched.
    """
    if projections == state:
        raise typer.BadParameter("Expected one of the two, and not both", param_hint="--projections / --state")
    if restart and not projections:
        raise typer.BadParameter("Expected it with --projections only", param_hint="--restart")
    if ignore_changelog and not state:
        raise typer.BadParameter("Expected it with --state only", param_hint="--ignore-changelog")
    session = session_of(ctx)
    if projections:
        _projections(session, restart=restart, as_json=json)
    else:
        _state(session, ignore_changelog=ignore_changelog, as_json=json)


def _projections(session: Session, *, restart: bool, as_json: bool) -> None:
    async def run(show: "_Show") -> ReplayReport:
        async with connected(session.settings):  # says where no database answers
            pass
        return await replay_projections(session.settings, session.topics, show, restart=restart)

    with Bar() as bar:
        try:
            report = asyncio.run(run(_Show(bar)))
        except (ProjectionError, LogError) as error:
            raise CliError(str(error), reason="replay") from error
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _database_failed(error) from error
    if as_json:
        print_json(asdict(report))
        return
    rows = ((table, one.rows, one.before) for table, one in report.tables.items())
    print_table(("table", "rows", "before"), rows, "")
    refused = f", of which {report.refused:,} are no readings" if report.refused else ""
    kept = (
        f" {report.kept_rows:,} rows of telemetry were kept that the topics no longer hold." if report.kept_rows else ""
    )
    resumed = " An earlier run had begun." if report.resumed else ""
    out().print(
        f"Rebuilt from {report.records:,} records{refused} in {report.seconds:.1f} s, in use since "
        f"{moment(report.swapped_at)}; the projector waited {report.held_s * 1000:.0f} ms.{kept}{resumed}"
    )


def _database_failed(error: Exception) -> CliError:
    hint = "What was done is not lost: `weir replay --projections` goes on from there."
    if is_transient(error) or isinstance(error, asyncpg.InterfaceError):
        message = f"The connection to the database ended: {type(error).__name__}: {error}"
        return CliError(message, hint, reason="unreachable", code=ExitCode.UNREACHABLE)
    return CliError(f"The database refused: {type(error).__name__}: {error}", hint, reason="replay")


def _state(session: Session, *, ignore_changelog: bool, as_json: bool) -> None:
    with Bar() as bar:
        run = replay_state(session.settings, session.topics, bar.step, ignore_changelog=ignore_changelog)
        try:
            report = asyncio.run(run)
        except ReplayError as error:
            raise CliError(error.message, error.hint, reason="replay") from error
    if as_json:
        print_json(asdict(report))
        return
    columns = ("partition", "events", "entities", "position", "repaired", "removed")
    print_table(columns, ([getattr(one, column) for column in columns] for one in report.partitions), "")
    out().print(
        f"Rebuilt {report.entities:,} entities from {report.events:,} events in {report.seconds:.1f} s: "
        f"{report.repaired:,} records were repaired, {report.removed:,} removed."
    )


class _Show:
    """Progress of a replay of the projections: a bar, or a line now and then where no terminal is."""

    def __init__(self, bar: Bar) -> None:
        self._bar, self._step, self._told = bar, "", time.monotonic()

    def __call__(self, progress: Progress) -> None:
        text = describe(progress)
        if self._bar.on_terminal:
            self._bar.show(text, progress.done, max(1, progress.total))
        elif progress.step != self._step or time.monotonic() - self._told >= LINE_EVERY_S:
            self._step, self._told = progress.step, time.monotonic()
            self._bar.line(text)


def describe(progress: Progress) -> str:
    """Where a replay is, in a line: step, records, per cent, rate, time left."""
    if not progress.records or not progress.total:
        return progress.step
    rate = progress.records / max(progress.seconds, 1e-3)
    share = progress.done / progress.total
    text = f"{progress.step}: {progress.records:,} records, {share:.0%}, {rate:,.0f}/s"
    if progress.done < progress.total:
        left_s = (progress.total - progress.done) / max(progress.here, 1) * progress.seconds
        text += f", {timedelta(seconds=round(left_s))} left"
    return text
