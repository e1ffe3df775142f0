"""``weir demo``: real telemetry through a whole plant, from nothing."""

from pathlib import Path
from typing import Annotated, Self

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from streams.core.durations import parse_duration_ms
from weir.cli import options
from weir.cli.errors import ExitCode
from weir.cli.output import err, out, print_json
from weir.cli.session import session_of
from weir.demo.follow import Tally
from weir.demo.plan import Plan
from weir.demo.report import Report
from weir.demo.run import run
from weir.demo.series import Series, failure_windows, read_series

THRESHOLD = 90.0
TICK = "100ms"
MET, NOT_MET = "[green]✓[/green]", "[bold red]✗[/bold red]"
LINES_WITHOUT_TERMINAL = 20
"""How many lines of progress the playing gives where no terminal is."""


def demo(
    ctx: typer.Context,
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv", help="Play this series of timestamp,value whole, as one machine.", show_default=False
        ),
    ] = None,
    threshold: Annotated[float, typer.Option(help="Above it a machine is too hot, in the series' unit.")] = THRESHOLD,
    tick: Annotated[
        str, typer.Option(help="How long a reading takes; the plant's clock runs that much faster.")
    ] = TICK,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running, to look around.")] = False,
    json: options.Json = False,
) -> None:
    """Play two days of four real machines and show what the temperature-control process did with them.

    Brings up a plant of its own under `<home>/demo`, new at each run; installs what is missing. The machines publish
    one reading per five minutes over MQTT, on a clock that runs 3000 times faster. At the end every count stands beside
    what an oracle computes from the file alone; exit code 1 when one does not fit.
    """
    machines = failure_windows() if data is None else [_series(data)]
    plan = Plan(machines, threshold, _seconds(tick))
    home = session_of(ctx).home / "demo"
    with Show() as show:
        report = run(plan, home, show, keep=keep)
    console = err() if json else out()
    print_checks(report, console)
    if keep:
        console.print(f"Still running: weir --home {home} instances, … history ID, … status, … down", markup=False)
    if json:
        print_json(report.document())
    if not report.ok:
        raise typer.Exit(ExitCode.FAILED)


def _series(path: Path) -> Series:
    name = "".join(letter if letter.isalnum() else "-" for letter in path.stem.lower()).strip("-")
    return read_series(path, name or "machine")


def _seconds(tick: str) -> float:
    try:
        return parse_duration_ms(tick) / 1000
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--tick") from None


def print_checks(report: Report, console: Console) -> None:
    """The counts, each beside what it should be."""
    table = Table("", "measured", "expected", "", box=box.SIMPLE_HEAD, pad_edge=False)
    for check in report.checks:
        table.add_row(check.what, str(check.measured), check.expected, MET if check.ok else NOT_MET)
    console.print(table)
    latency = report.latency
    if latency.p50 is not None and latency.max is not None:
        console.print(f"From reading to command: median {latency.p50:.0f} ms, slowest {latency.max:.0f} ms")
    console.print(f"{report.seconds:.0f} s in all. {'Every check is met.' if report.ok else 'Not every check is met.'}")


class Show:
    """Progress on stderr: on a terminal a bar with what happened last, else a line now and then."""

    def __init__(self) -> None:
        self._console = err()
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bars.add_task("", total=None)
        self._last_step = ""
        self._last_line = ""
        self._total = self._played = 0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def step(self, text: str, share: float | None) -> None:
        """Bringing up and winding down."""
        self._bars.update(self._task, description=text, total=None if share is None else 1.0, completed=share or 0.0)
        if not self._console.is_terminal and text != self._last_step:
            self._last_step = text
            self._console.print(text, markup=False)

    def playing(self, readings: int) -> None:
        """The machines begin."""
        self._total = readings
        self._bars.update(self._task, description="playing", total=readings, completed=0)

    def played(self, tally: Tally) -> None:
        """One more reading: the counts, and what happened last."""
        self._played += 1
        counts = f"started {tally.started}, cooled {tally.cooled}, escalated {tally.escalated}"
        self._bars.update(self._task, completed=self._played, description=f"{counts}   {self._last_line:44}")
        if not self._console.is_terminal and self._played % max(1, self._total // LINES_WITHOUT_TERMINAL) == 0:
            self._console.print(f"{self._played} of {self._total} readings: {counts}", markup=False)

    def line(self, text: str) -> None:
        """Something started, cooled or escalated."""
        self._last_line = text
