"""``weir api-keys`` on a real database: a key that is made opens the gateway's door until it is revoked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from streams.settings import Settings
from tests.site import migrated
from weir.cli.main import app
from weir.home import environment

Weir = Callable[..., Result]


@pytest.fixture
def weir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_database: Callable[..., str]) -> Weir:
    """Runs a command in an empty directory; only the database is there."""
    for name in environment(Settings(_env_file=None)):  # type: ignore[call-arg]
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", fresh_database(migrated))
    return lambda *arguments: CliRunner().invoke(app, ["--home", str(tmp_path / "home"), "api-keys", *arguments])


def _document(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_key_is_made_shown_once_listed_and_revoked(weir: Weir) -> None:
    made = _document(weir("create", "line 2", "--role", "operator", "--user", "anna", "--days", "7", "--json"))
    secret, key = made["key"], made["api_key"]
    assert secret.startswith(f"weir_{key['id']}_")
    assert (key["name"], key["user_id"], key["roles"], key["created_by"]) == (
        "line 2", "anna", ["operator"], "weir api-keys",
    )  # fmt: skip
    listed = weir("list", "--json")
    assert _document(listed) == [key]
    assert secret.rpartition("_")[2] not in listed.output
    assert "valid" in weir("list").stdout
    revoked = weir("revoke", key["id"])
    assert (revoked.exit_code, revoked.stdout) == (0, f"{key['id']}: line 2 is revoked\n")
    assert "revoked" in weir("list").stdout
    assert _document(weir("list", "--json"))[0]["revoked_by"] == "weir api-keys"


def test_a_shell_takes_the_key_alone(weir: Weir) -> None:
    made = weir("create", "line 2", "--role", "operator")
    (key,) = _document(weir("list", "--json"))
    assert made.stdout.startswith(f"weir_{key['id']}_")
    assert len(made.stdout.split()) == 1
    assert made.stderr == "The key of line 2, shown this once\n"


def test_a_key_is_revoked_by_its_name_when_one_valid_key_has_it(weir: Weir) -> None:
    first, second = (
        _document(weir("create", "line", "--scope", "processes:view", "--json"))["api_key"]["id"] for _ in range(2)
    )
    both = weir("revoke", "line")
    assert both.exit_code == 1
    assert (
        f"Expected one valid key of the name line, but there are 2: {', '.join(sorted([first, second]))}"
        in " ".join(both.output.split())
    )
    assert weir("revoke", first).exit_code == 0
    assert weir("revoke", "line").stdout == f"{second}: line is revoked\n"
    nobody = weir("revoke", "line")
    assert nobody.exit_code == 1
    assert "There is no API key line" in nobody.output


def test_a_key_that_would_open_nothing_is_not_made(weir: Weir) -> None:
    assert "Expected --role or --scope" in weir("create", "line").output
    assert "Expected one of viewer" in weir("create", "line", "--role", "boss").output
    assert _document(weir("list", "--json")) == []
