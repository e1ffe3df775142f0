"""The definitions repository on a plant: plans, activations, differences, export and import."""

import subprocess
from pathlib import Path
from typing import Any

from streams.core.parse import parse_definition
from tests.cli.conftest import Plant
from tests.cli.test_plant import eventually

DOOR = """# A door.
id: {name}
version: {version}
trigger: {{type: api, mode: parallel}}
activities:
  - {{id: {wait}, type: message, name: open}}   # until somebody opens it
  - {{id: tell, type: service, action: log, message: {said}}}
"""
Results = list[dict[str, Any]]


def door(folder: Path, name: str, version: int = 1, said: str = "open", wait: str = "wait") -> Path:
    """The file of a door."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.yaml"
    file.write_text(DOOR.format(name=name, version=version, said=said, wait=wait))
    return file


def outcomes(results: Results) -> list[tuple[str, int | None, str, str]]:
    return [(one["id"], one["version"], one["action"], one["outcome"]) for one in results]


def refusal(plant: Plant, *arguments: str) -> str:
    return plant.ask(*arguments, code=1)["error"]["reason"]


def test_a_git_folder_is_planned_and_deployed_and_its_commit_is_known(plant: Plant, tmp_path: Path) -> None:
    file = door(tmp_path, "oak")
    door(tmp_path, "elm")
    identity = ["-c", "user.name=Eve", "-c", "user.email=eve@example.org"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    planned = plant.ask("deploy", str(tmp_path), "--dry-run")
    assert outcomes(planned) == [("elm", 1, "create", "planned"), ("oak", 1, "create", "planned")]
    assert not {"elm", "oak"} & {one["id"] for one in plant.ask("definitions", "list")}
    done = plant.ask("deploy", str(tmp_path))
    assert outcomes(done) == [("elm", 1, "create", "deployed"), ("oak", 1, "create", "deployed")]
    shown = plant.ask("definitions", "show", "oak")
    assert (shown["state"], shown["origin"]["author"]) == ("active", "Eve <eve@example.org>")
    assert (shown["origin"]["path"], shown["origin"].get("dirty", False)) == ("oak.yaml", False)
    assert plant.weir("definitions", "show", "oak").stdout == file.read_text(), "comments too"
    assert parse_definition(plant.weir("definitions", "show", "oak", "--canonical").stdout).hash == shown["hash"]
    assert "Eve" in plant.weir("definitions", "list").stdout
    assert plant.weir("bpmn", "oak").stdout == plant.weir("bpmn", str(file)).stdout


def test_changed_content_needs_a_version_and_bump_gives_it_one(plant: Plant, tmp_path: Path) -> None:
    file = door(tmp_path, "ash")
    door(tmp_path, "fir")
    plant.ask("deploy", str(file))
    door(tmp_path, "ash", said="shut")
    (refused, unsent) = plant.ask("deploy", str(tmp_path), code=1)
    assert (refused["outcome"], refused["reason"]) == ("refused", "version_exists")
    assert (unsent["id"], unsent["outcome"]) == ("fir", "not_sent"), "all or nothing"
    (planned,) = plant.ask("deploy", str(file), "--bump", "--dry-run")
    assert (planned["version"], planned["outcome"]) == (2, "planned")
    assert file.read_text() == DOOR.format(name="ash", version=1, said="shut", wait="wait")
    assert outcomes(plant.ask("deploy", str(file), "--bump")) == [("ash", 2, "new_version", "deployed")]
    assert file.read_text() == DOOR.format(name="ash", version=2, said="shut", wait="wait")
    assert outcomes(plant.ask("deploy", str(file), "--bump")) == [("ash", 2, "unchanged", "unchanged")]


def test_a_difference_tells_who_could_not_go_on(plant: Plant, tmp_path: Path) -> None:
    file = door(tmp_path, "yew")
    plant.ask("deploy", str(file))
    plant.ask("start", "yew")
    door(tmp_path, "yew", version=2, wait="rest")

    def ask() -> dict[str, Any]:
        return plant.ask("diff", str(file), code=1)

    found = eventually(ask, lambda one: one["instances"]["waiting"])
    assert {(one["kind"], one["name"]) for one in found["changes"]} == {
        *(("removed", "wait"), ("added", "rest"), ("changed", "start")),
    }
    assert found["instances"] == {
        "waiting": {"wait": 1},
        "hindrances": {"wait": "it is not there any more"},
        "safe": False,
    }
    assert "! 1 of 1 instances of yew:1 wait at wait" in plant.weir("diff", str(file)).stdout
    assert plant.ask("diff", "yew:1", "yew")["changes"] == []


def test_rolling_back_and_switching_off(plant: Plant, tmp_path: Path) -> None:
    plant.ask("deploy", str(door(tmp_path, "bay")))
    running = plant.ask("start", "bay")["instance_id"]
    plant.ask("deploy", str(door(tmp_path, "bay", version=2, said="ring")))
    assert plant.ask("start", "bay")["definition_version"] == 2
    assert plant.ask("activate", "bay:1", "--reason", "rings twice")["version"] == 1
    assert plant.ask("start", "bay")["definition_version"] == 1
    plant.ask("deactivate", "bay", "--reason", "winter")
    assert refusal(plant, "start", "bay") == refusal(plant, "start", "bay", "--version", "2") == "inactive"
    plant.ask("signal", "open", "--instance", running)
    ended = eventually(lambda: plant.ask("show", running), lambda one: one["status"] == "completed")
    assert ended["definition_version"] == 1, "what runs goes on"
    assert refusal(plant, "deactivate", "bay") == "unchanged"
    assert refusal(plant, "activate", "nobody") == "unknown_definition"
    (same,) = plant.ask("deploy", str(tmp_path))
    assert (same["outcome"], same["message"]) == ("unchanged", "deactivated: winter"), "nobody is overruled"
    plant.ask("activate", "bay")
    assert plant.ask("start", "bay")["definition_version"] == 1, "what it had before it was switched off"
    plant.ask("verify")


def test_what_the_folder_has_no_more_is_off_and_comes_back_with_it(plant: Plant, tmp_path: Path) -> None:
    file = door(tmp_path, "box")
    door(tmp_path, "nut")
    plant.ask("deploy", str(tmp_path))
    file.unlink()
    gone, done = ("box", None, "deactivate", "planned"), ("box", None, "deactivate", "deactivated")
    assert gone in outcomes(plant.ask("deploy", str(tmp_path), "--prune", "--dry-run"))
    assert done in outcomes(plant.ask("deploy", str(tmp_path), "--prune"))
    assert refusal(plant, "start", "box") == "inactive"
    assert outcomes(plant.ask("deploy", str(tmp_path), "--prune")) == [("nut", 1, "unchanged", "unchanged")]
    door(tmp_path, "box")
    assert outcomes(plant.ask("deploy", str(tmp_path), "--prune")) == [
        ("box", 1, "unchanged", "unchanged"),
        ("nut", 1, "unchanged", "unchanged"),
        ("box", None, "activate", "activated"),
    ]
    assert plant.ask("start", "box")["definition_version"] == 1


def test_a_plants_definitions_as_a_folder_and_back(plant: Plant, tmp_path: Path) -> None:
    plant.ask("deploy", str(door(tmp_path / "a", "tea")))
    plant.ask("deploy", str(door(tmp_path / "a", "tea", version=2, said="no")))
    plant.ask("activate", "tea:1")
    exported = plant.ask("export", str(tmp_path / "all"), "tea")
    assert exported["files"] == ["tea/1.yaml", "tea/2.yaml", "weir-export.json"]
    hashes = {one["version"]: one["hash"] for one in _definition(plant, "tea")["versions"]}
    for version in (1, 2):
        text = (tmp_path / "all" / "tea" / f"{version}.yaml").read_text()
        assert parse_definition(text).hash == hashes[version]
    assert {one["outcome"] for one in plant.ask("import", str(tmp_path / "all"))} == {"unchanged"}
    assert plant.ask("export", str(tmp_path / "one"), "tea:2")["files"] == ["tea/2.yaml", "weir-export.json"]
    assert plant.ask("export", str(tmp_path / "active"), "tea", "--active")["files"] == ["tea.yaml"]
    assert parse_definition((tmp_path / "active" / "tea.yaml").read_text()).version == 1
    # Another plant would get the same; here it is the same under another name.
    renamed = tmp_path / "other"
    (tmp_path / "all").rename(renamed)
    for file in (*renamed.rglob("*.yaml"), renamed / "weir-export.json"):
        file.write_text(file.read_text().replace("id: tea", "id: mate").replace('"tea"', '"mate"'))
    done = plant.ask("import", str(renamed))
    assert outcomes(done) == [("mate", 1, "create", "deployed"), ("mate", 2, "new_version", "deployed")]
    assert _definition(plant, "mate")["active"] == 1, "as it was where it is from"


def test_a_template_is_deployed(plant: Plant) -> None:
    values = ("--param", "id=paint", "--param", "what=paint", "--param", "group=painters")
    made = plant.ask("template", "instantiate", "approval", *values, "--deploy")
    assert (made["id"], made["outcome"]) == ("paint", "deployed")
    shown = plant.ask("definitions", "show", "paint")
    assert shown["origin"]["template"] == "approval"
    assert shown["source"].startswith("# Made from the template approval with\n#   id: paint\n")


def _definition(plant: Plant, name: str) -> dict[str, Any]:
    return next(one for one in plant.ask("definitions", "list") if one["id"] == name)
