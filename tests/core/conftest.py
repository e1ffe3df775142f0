"""Every definition that a test of the core has accepted fits the schema for editors, too."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
import pytest

from streams.core import parse
from streams.core.definition import ProcessDefinition
from streams.core.report import Report
from streams.core.schema import definition_schema

_build = parse._build


@cache
def editor() -> Any:
    """What an editor does with ``definitions/schema.json``."""
    return jsonschema_rs.validator_for(definition_schema())


def _build_and_compare(data: Any, report: Report) -> ProcessDefinition | None:
    definition = _build(data, report)
    if definition is not None:
        wrong = [f"{'.'.join(map(str, one.instance_path))}: {one.message}" for one in editor().iter_errors(data)]
        assert not wrong, f"{json.dumps(data, indent=1)} is a definition, but an editor would say: {wrong}"
    return definition


@pytest.fixture(autouse=True, scope="module")
def _editors_agree() -> Iterator[None]:
    parse._build = _build_and_compare
    yield
    parse._build = _build
