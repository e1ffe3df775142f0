"""Faust's recovery, as it is under the transport."""

import asyncio

import faust
import pytest
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped

from streams import transport
from streams.transport.options import TransportOptions
from streams.transport.recovery import ChunkRecovery

PATIENCE_S = 0.05
"""Faust's, for what takes longer here."""


@pytest.fixture
async def recovery(tmp_path) -> ChunkRecovery:
    """That of an app which is not started; it takes the loop that runs when it is made."""
    app = faust.App("app", datadir=tmp_path, **transport.app_settings())
    transport.install(app, TransportOptions(client={"bootstrap_servers": "127.0.0.1:1"}))
    return app.tables.recovery


async def test_a_step_may_take_longer_than_a_request(recovery):
    """A database that has the positions may be away: Faust's recovery ends there, for good, in silence."""
    done = asyncio.Event()

    async def slowly():
        await asyncio.sleep(2 * PATIENCE_S)
        done.set()

    with pytest.raises(ServiceStopped):
        await Recovery._wait(recovery, slowly(), timeout=PATIENCE_S)
    assert not done.is_set(), "this is what we are without"
    await recovery._wait(slowly(), timeout=PATIENCE_S)
    assert done.is_set()


async def test_a_step_ends_with_the_next_rebalance(recovery):
    recovery.signal_recovery_start.set()
    with pytest.raises(RebalanceAgain):
        await recovery._wait(asyncio.sleep(60), timeout=PATIENCE_S)
