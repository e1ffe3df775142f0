"""A site whose topics the tests write themselves, and what stands behind positions there."""

import uuid
from pathlib import Path

import pytest

from streams.settings import Settings
from streams.topics import Topics
from tests.site import make_site


@pytest.fixture
async def site(settings: Settings, tmp_path: Path) -> tuple[Settings, Topics]:
    return await make_site(settings, tmp_path)


@pytest.fixture
def transactional_id() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"
