"""What deploying files would do."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from streams.core.parse import parse_definition
from streams.core.state import Off
from streams.deployed import Activation, Deployed, DeployedVersion
from weir.repository import Candidate, Step, plan

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def candidate(name: str, version: int, message: str = "go") -> Candidate:
    wait = f"{{id: w, type: message, name: {message}}}"
    text = f"id: {name}\nversion: {version}\ntrigger: {{type: api}}\nactivities: [{wait}]"
    return Candidate(Path(f"{name}-{version}-{message}.yaml"), parse_definition(text), text)


def deployed(*candidates: Candidate, active: int | None = None, off: Off | None = None) -> dict[str, Deployed]:
    found: dict[str, Deployed] = {}
    for one in candidates:
        definition = one.definition
        known = found.setdefault(definition.id, Deployed(definition.id))
        known.versions[definition.version] = DeployedVersion(
            v=1,
            id=definition.id,
            version=definition.version,
            hash=definition.hash,
            name=definition.name,
            definition=msgspec.Raw(b"{}"),
            deployed_at=NOW,
        )
        if active is not None or off is not None:
            known.activation = Activation(v=2, id=definition.id, active=active, off=off, changed_at=NOW)
    return found


def said(steps: list[Step]) -> list[tuple[str, str, int | None, str | None]]:
    return [(step.action, step.id, step.version, step.reason) for step in steps]


def test_new_definitions_are_created_and_newer_ones_are_versions() -> None:
    steps = plan([candidate("b", 2), candidate("a", 1), candidate("b", 3)], deployed(candidate("b", 1)))
    assert said(steps) == [("new_version", "b", 2, None), ("new_version", "b", 3, None), ("create", "a", 1, None)]


def test_what_is_deployed_is_unchanged() -> None:
    known = deployed(candidate("a", 1), candidate("a", 2))
    (old, new) = plan([candidate("a", 1), candidate("a", 2)], known)
    assert said([old, new]) == [("unchanged", "a", 1, None), ("unchanged", "a", 2, None)]
    assert (old.message, new.message) == (None, None)


def test_a_person_who_rolled_back_is_not_overruled() -> None:
    (step,) = plan([candidate("a", 2)], deployed(candidate("a", 1), candidate("a", 2), active=1))
    assert (step.action, step.message) == ("unchanged", "version 1 is active")
    (step,) = plan([candidate("a", 2)], deployed(candidate("a", 2), off=Off("winter")))
    assert (step.action, step.message) == ("unchanged", "deactivated: winter")


def test_a_version_with_other_content_is_refused() -> None:
    known = deployed(candidate("a", 1), candidate("a", 2))
    (exists,) = plan([candidate("a", 2, "stop")], known)
    assert said([exists]) == [("refused", "a", 2, "version_exists")]
    assert exists.message is not None
    assert "Give the new content version 3, or use --bump" in exists.message
    (old,) = plan([candidate("a", 1, "stop")], deployed(candidate("a", 2)))
    assert said([old]) == [("refused", "a", 1, "version_too_old")]


def test_bump_gives_it_the_next_version() -> None:
    known = deployed(candidate("a", 1), candidate("a", 4))
    for one in (candidate("a", 4, "stop"), candidate("a", 2, "stop")):
        (step,) = plan([one], known, bump=True)
        assert (step.action, step.version, step.bump) == ("new_version", 5, True)
    (step,) = plan([candidate("a", 4)], known, bump=True)
    assert (step.action, step.bump) == ("unchanged", False)


def test_two_files_cannot_be_the_same_version() -> None:
    steps = plan([candidate("a", 1, "go"), candidate("a", 1, "stop"), candidate("a", 1, "go")], {})
    assert [step.action for step in steps] == ["create", "unchanged", "refused"]
    assert steps[2].message == "a-1-go.yaml has version 1 too, with other content"


def test_pruning_deactivates_what_the_folder_has_no_more_and_it_may_come_back() -> None:
    known = deployed(candidate("a", 1), candidate("b", 1))
    assert said(plan([candidate("a", 1)], known)) == [("unchanged", "a", 1, None)]
    steps = plan([candidate("a", 1)], known, prune=True)
    assert said(steps) == [("unchanged", "a", 1, None), ("deactivate", "b", None, None)]
    known["b"] = deployed(candidate("b", 1), off=Off(pruned=True))["b"]
    assert said(plan([candidate("a", 1)], known, prune=True)) == [("unchanged", "a", 1, None)], "once is enough"
    steps = plan([candidate("a", 1), candidate("b", 2)], known, prune=True)
    assert said(steps) == [
        ("unchanged", "a", 1, None),
        ("new_version", "b", 2, None),
        ("activate", "b", None, None),
    ]
