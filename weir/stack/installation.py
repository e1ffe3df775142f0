"""Running an installation script: its steps become progress, its output goes to a log."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from weir.stack.progress import Progress

STEP = re.compile(r"^\[timescaledb\] (?!ERROR)(.*)")
PERCENT = re.compile(r"^\[ *(\d+)%\]")  # make
FRACTION = re.compile(r"^\[(\d+)/(\d+)\]")  # ninja


def run_script(script: Path, environ: Mapping[str, str], log: Path, progress: Progress) -> list[str]:
    """Run to the end, whatever comes of it; returns the lines of the output."""
    lines: list[str] = []
    step = "installing TimescaleDB"
    progress(step, None)
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("a") as file,
        subprocess.Popen(  # noqa: S603  a script of ours
            ["/bin/bash", str(script)],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            file.flush()
            lines.append(line.rstrip())
            if named := STEP.match(line):
                step = named[1]
                progress(step, None)
            elif (share := _share(line)) is not None:
                progress(step, share)
    return lines


def _share(line: str) -> float | None:
    if percent := PERCENT.match(line):
        return int(percent[1]) / 100
    if fraction := FRACTION.match(line):
        return int(fraction[1]) / int(fraction[2])
    return None
