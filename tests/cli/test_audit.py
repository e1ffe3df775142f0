"""``weir audit`` on a real database: what was asked, by every filter, for people and for programs."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from streams.core.durations import instant
from streams.settings import Settings
from tests.projections.conftest import world_of
from tests.projections.story import AUDIT, T0, batch, numbered, write_of
from tests.site import migrated
from weir.cli.main import app
from weir.home import environment

INSTANCE = "019ab8f0-0000-8001-8000-000000000000"
CANCEL = "/processes/{instance_id}/cancel"
WRITES = [
    write_of(1, route="/processes/{definition_id}/start", target="cooling", instance_id=INSTANCE, cause="0:7"),
    write_of(2, route=CANCEL, target=INSTANCE, instance_id=INSTANCE, principal="ben", request={"reason": "twice"}),
    write_of(3, route="/tasks/{id_}/claim", target=f"{INSTANCE}:1", instance_id=INSTANCE, status=404),
    write_of(4, target="/nothing", principal=None, kind="unknown", address="10.0.0.9", status=401),
    write_of(90_000, route="/api-keys", target="k1", after={"id": "k1"}, status=201),
]
LATER = f"{instant(T0 + 60_000):%Y-%m-%dT%H:%M:%SZ}"


async def test_writes_are_found_by_who_what_and_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_database: Callable[..., str]
) -> None:
    for name in environment(Settings(_env_file=None)):  # type: ignore[call-arg]
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    url = await asyncio.to_thread(fresh_database, migrated)
    monkeypatch.setenv("DATABASE_URL", url)
    async with world_of(url) as world:
        await world.begin()
        await world.projector.project(batch(AUDIT, numbered(WRITES)))

    async def weir(*arguments: str, code: int = 0) -> Result:
        home = ("--home", str(tmp_path / "home"), "audit", *arguments)
        result = await asyncio.to_thread(CliRunner().invoke, app, home)
        assert result.exit_code == code, result.output
        return result

    async def found(*arguments: str) -> list[Any]:
        listed: list[dict[str, Any]] = json.loads(
            (await weir("--since", "2026-01-01T00:00:00Z", "--json", *arguments)).stdout
        )
        return [one["id"] for one in listed]

    assert await found() == ["w-90000", "w-4", "w-3", "w-2", "w-1"], "the newest first"
    assert await found("--limit", "2") == ["w-90000", "w-4"]
    assert await found("--who", "ben") == ["w-2"]
    assert await found("--what", "cooling") == ["w-1"]
    assert await found("--what", INSTANCE.upper()) == ["w-3", "w-2", "w-1"], "its tasks, too"
    assert await found("--what", f"{INSTANCE}:1") == ["w-3"]
    assert await found("--route", CANCEL) == ["w-2"]
    assert await found("--status", "404") == ["w-3"]
    assert await found("--refused") == ["w-4", "w-3"]
    assert await found("--refused", "--who", "ada") == ["w-3"]
    assert await found("--since", LATER) == ["w-90000"]
    assert await found("--until", LATER) == ["w-4", "w-3", "w-2", "w-1"]
    [cancelled] = json.loads((await weir("--since", "2026-01-01T00:00:00Z", "--who", "ben", "--json")).stdout)
    assert (cancelled["request"], cancelled["time"]) == ({"reason": "twice"}, "2026-09-21T14:13:20.002000Z")

    shown = (await weir("--since", "2026-01-01T00:00:00Z")).stdout
    for text in (f"POST {CANCEL}", "ben", "unknown", "10.0.0.9", "POST (no such route)", "0:7", "404"):
        assert text in shown
    assert (await weir()).stdout == "nothing of that since 7d\n"
    assert "an age such as 2h, but got 'soon'" in " ".join((await weir("--since", "soon", code=2)).output.split())
