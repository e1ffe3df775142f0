"""``weir demo``: real telemetry through a whole plant, from nothing."""

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from streams.core.durations import parse_duration_ms
from weir.cli import options
from weir.cli.errors import ExitCode
from weir.cli.output import Bar, err, out, print_json
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
        str | None,
        typer.Option(
            help=f"How long a reading takes; the plant's clock runs that much faster. By default {TICK}, or what the"
            " machine can keep up with.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running, to look around.")] = False,
    json: options.Json = False,
) -> None:
    """Play two days of four real machines and show what the temperature-control process did with them.

    Brings up a plant of its own under `<home>/demo`, new at each run; installs what is missing. The machines publish
    one reading per five minutes over MQTT, on a clock that runs 3000 times faster; where this computer cannot answer as
    fast, the demo sees it in the first seconds and begins again on a slower clock. At the end every count stands beside
    what an oracle computes from the file alone; exit code 1 when one does not fit.
    """
    machines = failure_windows() if data is None else [_series(data)]
    plan = Plan(machines, threshold, _seconds(tick or TICK), fixed=tick is not None)
    home = session_of(ctx).home / "demo"
    with Bar() as bar:
        report = run(plan, home, Show(bar), keep=keep)
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
    """The demo's progress: steps, then a bar with the counts and what happened last."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._last = ""
        self._played = self._total = 0
        self.step = bar.step

    def playing(self, readings: int) -> None:
        """The machines begin."""
        self._total = readings

    def played(self, tally: Tally) -> None:
        """One more reading."""
        self._played += 1
        counts = f"started {tally.started}, cooled {tally.cooled}, escalated {tally.escalated}"
        self._bar.show(f"{counts}   {self._last:44}", self._played, self._total)
        if not self._bar.on_terminal and self._played % max(1, self._total // LINES_WITHOUT_TERMINAL) == 0:
            self._bar.line(f"{self._played} of {self._total} readings: {counts}")

    def line(self, text: str) -> None:
        """Something started, cooled or escalated."""
        self._last = text

    def again(self, why: str) -> None:
        """The machines begin again, more slowly."""
        self._bar.line(why)
        self._played = 0
