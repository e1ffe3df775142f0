"""Three minutes of chaos with a fixed seed, then both replays: the run that CI repeats."""

import subprocess
import sys

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.report import Report
from tests.chaos.run import Options
from weir.home import PROJECT

OPTIONS = Options(seed=5, minutes=3, rebuild=True)
REQUIRED = {
    *(f"kill-{role}" for role in ("processor", "actions", "projector", "router", "bridge")),
    *("zombie-processor", "restart", "join", "leave", "kafka-kill", "postgres-stop", "mqtt-drop", "inbox", "clock"),
}


def test_the_required_faults_are_there() -> None:
    assert FAULTS.keys() >= REQUIRED
    assert len(FAULTS) >= 15


def test_a_run_without_work_or_faults_does_not_pass() -> None:
    idle = Report(seed=1, minutes=3)
    assert not idle.passed
    assert {one.split(":")[0] for one in idle.lacking()} >= {"effective", "kinds", "completed", "timers", "effects"}


@pytest.mark.timeout(900)
def test_nothing_is_lost_or_done_twice_under_faults() -> None:
    command = [sys.executable, "-m", "tests.chaos", *OPTIONS.arguments]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        try:
            out, err = run.communicate()
        finally:
            run.terminate()  # a test that is given up takes its plant down
    sys.stdout.write(out)
    assert run.returncode == 0, f"{out}\n{err}"
