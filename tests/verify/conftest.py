"""A site on the session's services."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from streams.settings import Settings
from tests.projections.conftest import migrated
from tests.site import make_site
from tests.verify.site import VerifySite, verify_site


@pytest.fixture
async def empty_site(
    settings: Settings, fresh_database: Callable[..., str], tmp_path: Path
) -> AsyncIterator[VerifySite]:
    """Topics and a schema, and nothing else."""
    own, topics = await make_site(settings.model_copy(update={"database_url": fresh_database(migrated)}), tmp_path)
    async with verify_site(own, topics) as site:
        yield site


@pytest.fixture
async def site(empty_site: VerifySite) -> VerifySite:
    """The story, projected."""
    await empty_site.story()
    return empty_site
