"""The version in a file."""

import pytest

from streams.core.document import read_yaml
from weir.repository.bump import with_version


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id: a\nversion: 1  # one\nx: 1\n", "id: a\nversion: 12  # one\nx: 1\n"),
        ("# a\nid: a\nversion: 1.0\n", "# a\nid: a\nversion: 12\n"),
        ("version: 1", "version: 12"),
        ("# a\nid: a   # the id\nx: 1\n", "# a\nversion: 12\nid: a   # the id\nx: 1\n"),
        ("{id: a, x: 1}", "{version: 12, id: a, x: 1}"),
        ("{id: a, version: 3, x: 1}", "{id: a, version: 12, x: 1}"),
        ('{"id": "a", "version": 3}', '{"id": "a", "version": 12}'),
    ],
)
def test_only_the_version_changes(text: str, expected: str) -> None:
    assert with_version(text, 12) == expected
    assert read_yaml(expected).data["version"] == 12
