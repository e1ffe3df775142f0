"""``weir validate --watch``: it looks at once, and again after each change, until it is interrupted."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from weir.cli import watching

WRONG = "id: x\ntrigger: {type: api}\nactivities:\n  - {id: a, type: timer}\n"
RIGHT = WRONG.replace("timer}", "timer, duration: 1m}")


class Watch:
    """``weir validate --watch --json`` on a folder; each look is one line."""

    def __init__(self, *paths: Path) -> None:
        command = [sys.executable, "-m", "weir.cli.main", "validate", "--watch", "--json", *map(str, paths)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def next(self) -> list[dict[str, Any]]:
        """What the next look finds."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        found: list[dict[str, Any]] = json.loads(line)
        return found

    def end(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.yaml").write_text(WRONG)
    return tmp_path


@pytest.fixture
def watch(folder: Path) -> Iterator[Watch]:
    watch = Watch(folder)
    yield watch
    if watch.process.poll() is None:
        watch.end()


def test_each_change_is_looked_at(folder: Path, watch: Watch) -> None:
    [first] = watch.next()
    assert (first["ok"], len(first["problems"])) == (False, 1)
    beside = folder / "one.yaml.new"
    beside.write_text(RIGHT)
    beside.replace(folder / "one.yaml")  # as editors save
    assert watch.next()[0]["ok"]
    (folder / "below").mkdir()
    (folder / "below" / "two.yaml").write_text(RIGHT.replace("id: x", "id: y"))
    assert [one["id"] for one in watch.next()] == ["y", "x"]
    (folder / "one.yaml").unlink()
    assert [one["id"] for one in watch.next()] == ["y"]
    code, said = watch.end()
    assert code == 130
    assert "watching; Ctrl-C ends" in said


def test_one_file_is_watched_through_its_folder(folder: Path) -> None:
    watch = Watch(folder / "one.yaml")
    assert not watch.next()[0]["ok"]
    (folder / "other.yaml").write_text(WRONG)
    (folder / "one.yaml").write_text(RIGHT)
    assert watch.next()[0]["ok"]
    assert watch.end()[0] == 130


def test_a_file_that_is_gone_is_told_and_may_come_back(folder: Path) -> None:
    watch = Watch(folder / "one.yaml")
    watch.next()
    (folder / "one.yaml").unlink()
    assert watch.process.stderr is not None
    said = [watch.process.stderr.readline() for _ in range(2)]
    assert said[1].strip().endswith("one.yaml: there is no such file or folder.")
    (folder / "one.yaml").write_text(RIGHT)
    assert watch.next()[0]["ok"]
    assert watch.end()[0] == 130


def test_what_is_not_there_from_the_start_is_a_mistake(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "nowhere.yaml")
    _, said = watch.process.communicate(timeout=60)
    assert (watch.process.returncode, "there is no such file or folder" in said) == (2, True)


def test_a_change_of_which_nobody_told_is_found_all_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's words come late, or never: each look compares the files."""
    looks: list[str] = []
    file = folder / "one.yaml"

    def words(*_folders: Path, **options: Any) -> Iterator[set[Any]]:
        assert options["yield_on_timeout"]
        yield set()
        file.write_text(RIGHT)
        yield set()
        yield set()

    monkeypatch.setattr(watching, "watch", words)
    watching.whenever_changed([file], lambda: [file, folder / "never.yaml"], lambda: looks.append(file.read_text()))
    assert looks == [WRONG, RIGHT]
