"""The demo, smaller: one machine, a slow tick, everything else as a newcomer runs it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from weir.demo.oracle import episodes
from weir.home import environment, load_settings

VALUES = [80, 85, 95, 96, 97, 88, 80, 91, 89, 80, 94, 94, 94, 94, 93, 80, 80, 95, 80, 80]
THRESHOLD = 90


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that the database's account can reach, which it cannot under pytest's own folder."""
    folder = Path(tempfile.mkdtemp(prefix="weir-demo-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.timeout(600)  # on a bare machine it downloads what is missing
def test_a_small_demo(home: Path, tmp_path: Path) -> None:
    data = tmp_path / "Machine 7.csv"
    begin = datetime(2024, 5, 1, 12, 0)  # noqa: DTZ001 - a file's own words
    # Every four minutes: the five-minute timer fires well behind the next reading and well before the one after.
    rows = [f"{begin + n * timedelta(minutes=4)},{value}" for n, value in enumerate(VALUES)]
    data.write_text("\n".join(["timestamp,value", *rows]) + "\n")
    # A user's own settings must not reach into the demo.
    environ = os.environ | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "WEIR_CLOCK": "wall"}

    weir = [sys.executable, "-m", "weir.cli.main", "--home", str(home)]
    options = ["--data", str(data), "--tick", "800ms", "--threshold", str(THRESHOLD), "--json"]

    demo = subprocess.run(
        [*weir, "demo", *options],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert demo.returncode == 0, demo.stderr
    (line,) = demo.stdout.splitlines()
    found = json.loads(line)
    expected = episodes(VALUES, THRESHOLD, timedelta(minutes=4))
    assert found["readings"] == len(VALUES)
    assert found["instances_started"] == found["instances_completed"] == found["cooling_commands"]
    assert abs(found["instances_started"] - len(expected)) <= 1
    assert found["verify"] == {"ok": True, "instances": found["instances_started"], "events": found["history_rows"]}
    assert 0 < found["reading_to_command_ms"]["p50"] <= found["reading_to_command_ms"]["max"]
    assert json.loads((home / "demo" / "state.json").read_text())["processes"] == {}, "everything was stopped"
    settings = load_settings(home / "demo")
    assert environment(settings)["WEIR_CLOCK"].endswith("x300")
