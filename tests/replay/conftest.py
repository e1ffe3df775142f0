"""A site that has lived, for each test its own."""

from pathlib import Path

import pytest

from streams.settings import Settings
from tests.replay.story import Story, lived
from tests.site import make_site


@pytest.fixture
async def story(settings: Settings, tmp_path: Path) -> Story:
    """Its processor has stopped; ``tests.replay.story.working`` starts one."""
    own, topics = await make_site(settings, tmp_path)
    return await lived(own.model_copy(update={"session_timeout_s": 6.0}), topics, tmp_path)
