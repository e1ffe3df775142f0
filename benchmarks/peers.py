"""Other systems on the same workloads: how the ``run.sh`` of each is called, and which of its lines say what.

A peers' folder holds a folder a system, whose ``run.sh`` installs and starts it, runs the workloads that it is asked
for and prints a JSON line for each.  There are two dialects of asking.
"""

import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weir.home import PROJECT

FOLDER = "WEIR_PEERS_DIR"
DEFAULT_FOLDER = PROJECT.parent / "shared" / "peers"
TIMEOUT_S = 1800.0
"""Of one round; the first one installs."""
END_S = 30.0

OWN_CPU = re.compile(r"own cpu ([\d.]+)")
"""Cores that the peer used, its load generator included, where its note tells."""

Source = tuple[str, str]
"""The name of a line, and the field in it."""


class PeerError(Exception):
    """A peer did not run, or did not tell what was asked; the message has its own words."""


@dataclass(frozen=True)
class Dialect:
    """``words``: what to ask for, by our workload; ``figures``: our figures in its lines; ``levels``: the variable with
    the concurrency of W1; ``variable``: the one with the words, which else are arguments.
    """

    words: Mapping[str, tuple[str, ...]]
    figures: Mapping[str, Mapping[str, Source]]
    levels: str
    separator: str
    variable: str | None = None


CAPITALS = Dialect(
    words={"w1": ("w1", "w1open"), "w2": ("w2",), "w3": ("w3",)},
    figures={
        "w1": {"rate": ("W1", "rate"), "p50_ms": ("W1-open20", "p50_ms"), "p99_ms": ("W1-open20", "p99_ms")},
        "w2": {"rate": ("W2-start", "rate"), "signal_rate": ("W2-signal", "rate")},
        "w3": {"p50_ms": ("W3", "p50_ms"), "p99_ms": ("W3", "p99_ms")},
    },
    levels="CONC",
    separator=",",
    variable="ONLY",
)
LOWER_CASE = Dialect(
    words={"w1": ("w1", "open"), "w2": ("signal",), "w3": ("timer",)},
    figures={
        "w1": {"rate": ("w1-closed", "rate"), "p50_ms": ("w1-open", "p50_ms"), "p99_ms": ("w1-open", "p99_ms")},
        "w2": {"rate": ("w2-start-to-waiting", "rate"), "signal_rate": ("w2-signal-to-complete", "rate")},
        "w3": {"p50_ms": ("w3-timer", "p50_ms"), "p99_ms": ("w3-timer", "p99_ms")},
    },
    levels="CONCS",
    separator=" ",
)


@dataclass(frozen=True)
class Peer:
    """One system: its arguments before the words, and its environment."""

    dialect: Dialect
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


PEERS: dict[str, Peer] = {
    "restate": Peer(CAPITALS),
    "dbos": Peer(CAPITALS),
    "spiff": Peer(CAPITALS, environment={"STORES": "pg-steps"}),
    "temporal": Peer(LOWER_CASE, ("postgres",)),
    "zeebe": Peer(LOWER_CASE),
}


def peers_folder(given: Path | None) -> Path:
    """Where the peers are: ``given``, else ``WEIR_PEERS_DIR``, else beside the project."""
    return given or Path(os.environ.get(FOLDER, DEFAULT_FOLDER))


def run_peer(name: str, workload: str, folder: Path, level: int | None) -> dict[str, Any]:
    """One round of a peer: its figures under our names, and ``concurrency``, the one that was best of several.

    ``cpu_us_total`` is the CPU of an instance, all processes together, where the peer tells: a ratio that holds on a
    machine that others use too.

    Its own default levels are tried when ``level`` is ``None``.  Raises ``PeerError``.
    """
    peer = PEERS[name]
    dialect = peer.dialect
    script = folder / name / "run.sh"
    if not script.is_file():
        raise PeerError(
            f"Expected {script}, but it is not there: --peers-dir or {FOLDER} names the folder of the peers"
        )
    words = dialect.words[workload]
    environment = {**os.environ, **peer.environment}
    if dialect.variable is not None:
        environment[dialect.variable] = " ".join(words)
    if level is not None:
        environment[dialect.levels] = str(level)
    argv = ["bash", str(script), *peer.arguments, *(words if dialect.variable is None else ())]
    out, err = _run_script(name, argv, environment)
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{") and '"workload"' in line]
    return _figures(name, dialect.figures[workload], lines, f"{out}{err}"[-2000:])


def _run_script(name: str, argv: list[str], environment: Mapping[str, str]) -> tuple[str, str]:
    """What the script wrote to stdout and stderr; whatever ends this early ends all that it started."""
    process = subprocess.Popen(
        argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        return process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise PeerError(f"{name} did not end within {TIMEOUT_S:.0f} s") from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)  # the script stops and removes what it made
            try:
                process.communicate(timeout=END_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()


def _figures(name: str, sources: Mapping[str, Source], lines: list[dict[str, Any]], said: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for figure, (kind, column) in sources.items():
        of_kind = [line for line in lines if line["workload"] == kind and line.get(column) is not None]
        if not of_kind:
            raise PeerError(f"Expected a line {kind!r} with {column!r} from {name}, but got:\n{said}")
        best = max(of_kind, key=lambda line: float(line["rate"] or 0))  # a level each, where several were tried
        found[figure] = best[column]
        if figure == "rate":
            found["concurrency"], found["note"] = best["concurrency"], best.get("note", "")
            if cores := OWN_CPU.search(found["note"]):
                found["cpu_us_total"] = round(float(cores[1]) / float(best["rate"]) * 1e6, 1)
    return found
