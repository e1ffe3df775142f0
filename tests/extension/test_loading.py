"""What is said of an extension that cannot be used."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import orjson
import pytest

from streams import extensions, timers
from streams.actions import ACTIONS as PERFORMERS
from streams.core.actions import ACTIONS, ActionSpec
from streams.core.actions.failures import FAILURES, PERMANENT, Failure
from streams.core.actions.log import LogConfig
from streams.core.activities import KINDS, SERVICES, Continuing, Kind, Node, TimerNode
from streams.core.activities.retry import POLICIES
from streams.extensions import ExtensionError
from streams.extensions.offers import Action, ActivityKind
from tests.extension.conftest import HERE, POINTS

DEFINITION = HERE / "definition.yaml"


class Own(Continuing):
    type: Literal["own"]


class OwnNode(Node):
    pass


def action(name: str = "own", *, inline: bool = False, failures: tuple[str, ...] = (), config: Any = LogConfig) -> Any:
    known = {one: Failure(PERMANENT, (name,), "") for one in failures}
    return Action(ActionSpec(name, config, inline=inline), lambda _: None, known)  # type: ignore[arg-type, return-value]


def kind(model: Any = Own, node: Any = OwnNode, enter: Any = print) -> Any:
    return ActivityKind(Kind(model, lambda one: OwnNode(id=one.id)), node, enter)


@pytest.mark.usefixtures("extended")
def test_what_it_offers_is_in_the_registries_once() -> None:
    assert {"write_line"} <= ACTIONS.keys() & PERFORMERS.keys() & SERVICES.keys()
    assert "clamp" in KINDS
    assert "fibonacci" in POLICIES
    assert "sorted" in timers.BACKENDS
    assert "no_folder" in FAILURES
    extensions.load(POINTS)


@pytest.mark.usefixtures("registries")
@pytest.mark.parametrize(
    ("group", "name", "offer", "says"),
    [
        ("weir.actions", "own", "x", "Expected a streams.extensions.offers.Action, but got str in planted:offer"),
        (
            "weir.actions",
            "own",
            action("other"),
            "Expected the action 'own', as the entry point is named, but got 'other'",
        ),
        ("weir.actions", "notify", action("notify"), "the action 'notify', which is there already. Choose another one"),
        ("weir.actions", "trigger_bot", action("trigger_bot"), "which is there already"),
        (
            "weir.actions",
            "own",
            action(inline=True),
            "Expected an action that a worker performs, but got one that is inline",
        ),
        ("weir.actions", "own", action(failures=("timeout",)), "some that are there already: timeout"),
        ("weir.actions", "own", action(config=dict), "a config that is an ActionConfig"),
        ("weir.activities", "own", print, "Expected a streams.extensions.offers.ActivityKind"),
        ("weir.activities", "another", kind(), "Expected the type of activity 'another'"),
        ("weir.activities", "own", kind(model=int), "a model that is an Activity"),
        ("weir.activities", "own", kind(node=TimerNode), "Expected a Node of its own"),
        ("weir.activities", "own", kind(enter=5), "Expected a function as 'enter', but got 5"),
        ("weir.retry_policies", "own", 5, "Expected a function, but got int in planted:offer"),
        ("weir.retry_policies", "exponential", print, "the retry policy 'exponential', which is there already"),
        ("weir.timer_backends", "heap", print, "the timer backend 'heap', which is there already"),
    ],
)
def test_an_offer_that_does_not_fit_is_told(
    monkeypatch: pytest.MonkeyPatch, group: str, name: str, offer: Any, says: str
) -> None:
    planted = ModuleType("planted")
    planted.offer = offer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "planted", planted)
    with pytest.raises(ExtensionError) as refused:
        extensions.load([EntryPoint(name, "planted:offer", group)])
    assert f"Extension {name!r} ({group})" in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.usefixtures("registries")
@pytest.mark.parametrize(
    ("value", "says"),
    [("weir_nowhere:X", "ModuleNotFoundError: No module named 'weir_nowhere'"), ("json:nothing", "AttributeError")],
)
def test_an_extension_that_cannot_be_imported_is_told(value: str, says: str) -> None:
    with pytest.raises(ExtensionError, match=r"Expected to import .* Repair the package, or uninstall it") as refused:
        extensions.load([EntryPoint("own", value, "weir.actions")])
    assert says in str(refused.value)


@pytest.mark.usefixtures("extended")
def test_a_name_of_another_extension_is_taken_too() -> None:
    with pytest.raises(ExtensionError, match="the action 'write_line', which is there already"):
        extensions.load([EntryPoint("write_line", "weir_example.write_line:OFFER ", "weir.actions")])


# ---- installed, for a command


def weir(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "weir.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_command_knows_what_is_installed(installed: Path) -> None:
    valid = weir("validate", str(DEFINITION), "--json")
    assert valid.returncode == 0, valid.stdout + valid.stderr
    told = weir("actions", "dry-run", str(DEFINITION), "note", "--vars", '{"setpoint": 20, "file": "a"}', "--json")
    assert orjson.loads(told.stdout)["does"] == "writes a line to a"
    listed = {one["action"]: one for one in orjson.loads(weir("actions", "list", "--json").stdout)}
    assert listed["write_line"]["errors"]["file_busy"]["transient"] is True


def test_a_command_says_which_extension_is_broken(installed: Path) -> None:
    (installed / "entry_points.txt").write_text("[weir.actions]\nnotify = weir_example.write_line:OFFER\n")
    result = weir("validate", str(DEFINITION))
    assert (result.returncode, result.stdout) == (2, "")
    assert "Extension 'notify' of weir-example 1.0.0 (weir.actions)" in result.stderr


def test_a_command_that_has_none_does_not_know_it() -> None:
    assert weir("validate", str(DEFINITION)).returncode == 1
