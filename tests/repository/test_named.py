"""A deployed definition that this Weir does not read is told in words."""

from datetime import UTC, datetime

import msgspec
import pytest

from streams.deployed import DeployedVersion
from weir.repository.named import UnknownNameError, definition_of


def test_what_cannot_be_read_is_told_by_its_fields() -> None:
    definition = msgspec.Raw(b'{"id": "pump", "version": 1, "activities": [{"id": "a", "type": "levitate"}]}')
    known = DeployedVersion(
        v=1,
        id="pump",
        version=1,
        hash="",
        name="",
        definition=definition,
        deployed_at=datetime(2026, 11, 21, tzinfo=UTC),
    )
    with pytest.raises(UnknownNameError) as error:
        definition_of(known)
    told = str(error.value)
    assert told.startswith("pump:1 was deployed, but this Weir does not read it: ")
    assert "activities.0" in told
    assert "Value error" not in told
    assert "pydantic" not in told
