"""The command line of the benchmarks: ``uv run poe bench WORKLOAD… [options]``.

With ``--json`` each thing measured is a line, and the last line is the summary of the last workload.  Exit code 1: an
instance was lost, came twice, or its history is not whole; then the figures mean nothing.
"""

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import activities, api, parts, patterns, recovery, replay, scale, sse, stopped, telemetry, w1, w2, w3
from benchmarks.load import LostError
from benchmarks.peers import FOLDER, PEERS, PeerError, peers_folder
from benchmarks.rounds import RATIO_OF, Against, compare
from benchmarks.workload import Options, Workload
from weir.cli.session import Session, quiet_logs
from weir.role import MODULES

WORKLOADS: dict[str, Workload] = {
    "w1": w1.run,
    "w2": w2.run,
    "w3": w3.run,
    "telemetry": telemetry.run,
    "replay": replay.run,
    "recovery": recovery.run,
    "scale": scale.run,
    "stopped": stopped.run,
    "core": parts.run,
    "patterns": patterns.run,
    "activities": activities.run,
    "api": api.run,
    "sse": sse.run,
}
DURABILITIES = {"flush": (True,), "default": (False,), "both": (True, False)}
SMOKE = Options(
    seconds=1.0,
    warm_s=0.2,
    probe_s=0.2,
    open_s=1.0,
    outstanding=(10,),
    instances=20,
    times=1,
    actions=("join", "leave", "restarted"),
    finished=30,
)


def main(argv: list[str] | None = None) -> int:
    """Run the workloads; returns the exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    against = Against(tuple(arguments.peer), peers_folder(arguments.peers_dir), arguments.rounds)
    without = [name for name in arguments.workloads if name not in RATIO_OF]
    if against.peers and without:
        parser.error(f"--peer is for {', '.join(RATIO_OF)}, not for {', '.join(without)}")
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM)
    )  # what was started is stopped on the way out
    quiet_logs(Session())
    screen = Console(stderr=True)
    options = _options(arguments, screen)
    tell = Teller(arguments.json, screen)
    try:
        for name in arguments.workloads:
            if against.peers:
                tell(compare(name, WORKLOADS[name], options, against, tell))
            else:
                tell(WORKLOADS[name](options, tell))
    except (LostError, ExceptionGroup) as error:
        if isinstance(error, ExceptionGroup) and error.subgroup(LostError) is None:
            raise
        screen.print(f"Not what must happen: {'; '.join(_leaves(error))}", style="bold red", markup=False)
        return 1
    except PeerError as error:
        screen.print(str(error), style="bold red", markup=False)
        return 1
    return 0


def _leaves(error: Exception) -> list[str]:
    """What was raised, also by tasks of a group."""
    if isinstance(error, ExceptionGroup):
        return [text for one in error.exceptions for text in _leaves(one)]
    return [str(error)]


class Teller:
    """Prints what was measured: a line of JSON each, or lines for people."""

    def __init__(self, as_json: bool, screen: Console) -> None:
        self._json, self._screen = as_json, screen

    def __call__(self, found: dict[str, Any]) -> None:
        if self._json:
            print(json.dumps(found), flush=True)
            return
        print(found["workload"])
        for name, value in found.items():
            if name != "workload":
                print(f"  {name:22} {_text(value)}", flush=True)


def _text(value: Any) -> str:
    return ", ".join(f"{name} {part}" for name, part in value.items()) if isinstance(value, dict) else str(value)


def _options(arguments: argparse.Namespace, screen: Console) -> Options:
    def step(text: str, share: float | None) -> None:
        if share is None and not arguments.quiet:
            screen.print(text, style="dim", markup=False, highlight=False)

    changes: dict[str, Any] = {
        "flushes": DURABILITIES[arguments.durability],
        "partitions": arguments.partitions,
        "profiled": tuple(arguments.profile),
        "services": arguments.services,
        "step": step,
        "show": lambda text: screen.print(text, markup=False, highlight=False, soft_wrap=True),
    }
    for name in ("seconds", "warm_s", "instances", "outstanding", "times", "finished", "faster"):
        if getattr(arguments, name) is not None:
            changes[name] = getattr(arguments, name)
    base = SMOKE if arguments.smoke else Options()
    return Options(**{**vars(base), **changes})


def _levels(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="poe bench", description=__doc__)
    parser.add_argument("workloads", nargs="+", choices=list(WORKLOADS), metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument("--json", action="store_true", help="a line of JSON for each thing measured")
    parser.add_argument("--seconds", type=float, help="of the closed loop (default 10)")
    parser.add_argument("--warm", type=float, dest="warm_s", metavar="SECONDS", help="before anything is measured (30)")
    parser.add_argument(
        "--outstanding", type=_levels, help="instances at a time, the best of these (100,400,1000,3000)"
    )
    parser.add_argument("--instances", type=int, help="how many, where a workload is of a number of instances")
    parser.add_argument("--times", type=int, help="of scale: how often each action (default 3)")
    parser.add_argument("--finished", type=int, help="of recovery: instances that have ended, before (default 0)")
    parser.add_argument("--faster", type=float, help="of recovery: compaction's times, divided by this (default 1)")
    parser.add_argument(
        "--durability", choices=list(DURABILITIES), default="flush", help="Kafka's: flush per batch, or its default"
    )
    parser.add_argument("--partitions", type=int, default=4, help="of commands, events and changelog")
    parser.add_argument("--profile", action="append", default=[], choices=list(MODULES), help="sample that role")
    parser.add_argument("--peer", action="append", default=[], choices=list(PEERS), help="alternate rounds with it")
    parser.add_argument("--peers-dir", type=Path, help=f"where the peers are (else {FOLDER}, else ../shared/peers)")
    parser.add_argument("--rounds", type=int, default=5, help="with --peer: how many of each (default 5)")
    parser.add_argument("--smoke", action="store_true", help="everything tiny: to see that it works")
    parser.add_argument("--services", type=Path, metavar="HOME", help="use the services that run under this home")
    parser.add_argument("--quiet", action="store_true", help="no steps on stderr")
    return parser
