"""What `weir publish` says of a message's outcome."""

import pytest

from weir.cli.publish import words


@pytest.mark.parametrize(
    ("type_", "data", "says"),
    [
        ("message_started", {"name": "go", "definitions": ["pulse"]}, "started pulse"),
        ("message_started", {"name": "go", "definitions": ["pulse", "watch"]}, "started pulse, watch"),
        ("message_correlated", {"name": "go", "instance_id": "019a"}, "delivered to 019a"),
    ],
)
def test_the_outcome_is_told_to_people(type_: str, data: dict[str, object], says: str) -> None:
    assert words(type_, data) == says
