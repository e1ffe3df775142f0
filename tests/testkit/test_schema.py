"""The schema of tests, for editors."""

from typing import Any

import jsonschema
import pytest

from streams.core.document import read_yaml
from tests.scenarios.seed import DEFINITIONS, SUITES
from weir.testkit.read import Loaded
from weir.testkit.schema import suite_schema, suite_schema_text


def validator() -> Any:
    return jsonschema.Draft7Validator(suite_schema())


def test_the_schema_beside_the_definitions_is_current() -> None:
    assert (DEFINITIONS / "test-schema.json").read_text() == suite_schema_text(), "run: poe schema"


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.file.name)
def test_every_file_of_tests_names_the_schema_and_fits_it(suite: Loaded) -> None:
    text = suite.file.read_text()
    assert text.splitlines()[0] == "# yaml-language-server: $schema=./test-schema.json"
    assert [one.message for one in validator().iter_errors(read_yaml(text).data)] == []


FINE = "tests: [{name: a, do: [{at: 1m, signal: {name: go}}], expect: [{at: 0, count: 0}]}]"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tests: ", "test: "),
        ("at: 1m", "at: 60"),
        ("at: 1m", "at: soon"),
        ("signal: ", "signel: "),
        ("name: go", "name: go, kay: p1"),
        ("name: go", "key: p1"),
        ("signal: {name: go}", "signal: {name: go}, cancel: {key: p1}"),
        ("count: 0", "count: -1"),
        ("count: 0", "status: done"),
        (", expect: [{at: 0, count: 0}]", ""),
        ("name: a", "name: a, input: [{topic: t, series: {temperature: '20'}}]"),
        ("name: a", "name: a, stubs: {order: [{error: unavailable, output: {}}]}"),
    ],
)
def test_what_does_not_fit_is_marked(old: str, new: str) -> None:
    assert validator().is_valid(read_yaml(FINE).data)
    assert FINE.count(old) == 1
    assert not validator().is_valid(read_yaml(FINE.replace(old, new)).data)
