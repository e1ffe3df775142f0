"""What an export's folder has of the definitions that are named."""

import json
from typing import Any

import pytest

from streams.core.state import Off
from tests.repository.test_plan import candidate, deployed
from weir.repository.named import Name, UnknownNameError
from weir.repository.transfer import MANIFEST, chosen, exported

KNOWN = deployed(candidate("a", 1), candidate("a", 2), active=2) | deployed(candidate("b", 7), off=Off("winter"))


def written(*names: Name) -> dict[str, str]:
    return exported(chosen(names, KNOWN), active=False, canonical=True)


def manifest(*names: Name) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(written(*names)[MANIFEST])["definitions"]
    return found


@pytest.mark.parametrize(
    ("names", "files"),
    [
        ([], ["a/1.yaml", "a/2.yaml", "b/7.yaml"]),
        ([Name("a")], ["a/1.yaml", "a/2.yaml"]),
        ([Name("a", 1)], ["a/1.yaml"]),
        ([Name("a", 1), Name("b")], ["a/1.yaml", "b/7.yaml"]),
        ([Name("a", 2), Name("a", 1)], ["a/1.yaml", "a/2.yaml"]),
        ([Name("a", 1), Name("a")], ["a/1.yaml", "a/2.yaml"]),
    ],
)
def test_what_is_named_is_written(names: list[Name], files: list[str]) -> None:
    assert sorted(written(*names)) == [*files, MANIFEST]


def test_what_is_active_is_told_where_it_is_written() -> None:
    """Nothing is made active by an import that does not bring it."""
    assert manifest(Name("a"))["a"]["active"] == 2
    assert (manifest(Name("a", 1))["a"]["active"], list(manifest(Name("a", 1))["a"]["versions"])) == (None, ["1"])
    never_changed = deployed(candidate("c", 1), candidate("c", 2))
    texts = exported(chosen([Name("c", 1)], never_changed), active=False, canonical=True)
    assert json.loads(texts[MANIFEST])["definitions"]["c"]["active"] is None
    assert manifest(Name("b", 7))["b"]["off"]["reason"] == "winter"


def test_what_there_is_not_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="Expected a deployed version of a, but got 3: there are 1, 2"):
        chosen([Name("a", 3)], KNOWN)
    with pytest.raises(UnknownNameError, match="No definition 'c' is deployed"):
        chosen([Name("c")], KNOWN)
