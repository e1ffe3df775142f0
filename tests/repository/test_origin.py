"""What Git tells of a folder that is deployed."""

import subprocess
from pathlib import Path

import pytest

from weir.repository.origin import origin_of


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With one commit, of ``definitions/a.yaml``."""
    for name, value in {"NAME": "Eve", "EMAIL": "eve@example.org"}.items():
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "a.yaml").write_text("id: a\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def test_a_file_of_a_repository(repository: Path) -> None:
    file = repository / "definitions" / "a.yaml"
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True)
    origin = origin_of(file, template="alarm")
    assert (origin.commit, origin.author) == (head.stdout.strip(), "Eve <eve@example.org>")
    assert (origin.path, origin.dirty, origin.template) == ("definitions/a.yaml", False, "alarm")
    file.write_text("id: b\n")
    assert origin_of(file).dirty
    assert origin_of(file.parent).dirty
    (file.parent / "c.yaml").write_text("")
    assert origin_of(file.parent / "c.yaml").dirty, "what was never committed is in no commit"
    assert not origin_of(repository / "definitions" / "nothing.yaml").dirty


def test_outside_of_a_repository_there_is_no_commit(tmp_path: Path) -> None:
    origin = origin_of(tmp_path / "a.yaml")
    assert (origin.commit, origin.author, origin.path) == (None, None, str(tmp_path / "a.yaml"))


def test_without_git_nothing_is_missed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weir.repository.origin._program", lambda: None)
    assert origin_of(repository / "definitions" / "a.yaml").commit is None
