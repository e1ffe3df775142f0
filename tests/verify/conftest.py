"""A site on the session's services."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from streams.settings import Settings
from tests.conftest import own_settings
from tests.site import make_site, migrated
from tests.verify.site import VerifySite, verify_site
from weir.stack.stack import StackUrls


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


@pytest.fixture(scope="module")
async def _told_site(
    stack: StackUrls, lasting_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[VerifySite]:
    settings = own_settings(stack, lasting_database(migrated))
    own, topics = await make_site(settings, tmp_path_factory.mktemp("site"))
    async with verify_site(own, topics) as site:
        await site.story()
        yield site


@pytest.fixture
async def common_site(_told_site: VerifySite) -> AsyncIterator[VerifySite]:
    """The story, projected once a file: for tests that write into the table and the database only, which is undone."""
    async with _told_site.undone():
        yield _told_site
