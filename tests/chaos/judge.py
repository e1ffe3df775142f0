"""The judgement: Weir's one checker beside what the load knows, table and database, and how the roles have ended."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from streams.log import opened
from streams.transport.options import TransportOptions
from tests.chaos.checks import CHECKS
from tests.chaos.evidence import gather
from tests.chaos.faults.clock import FORWARD_S
from tests.chaos.site import Site
from weir.verify.log import check_log
from weir.verify.report import Difference
from weir.verify.run import verify
from weir.verify.sent import Effect, Ledger

ACTIONS = ("notify", "mqtt_publish")
"""All that the definitions ask for.  ``mqtt_publish`` is only asked for what cannot be done."""

SKEW_MS = round(FORWARD_S[1] * 1000) + 1_000 + TransportOptions.transaction_timeout_ms
"""How far a worker's clock was ahead of the broker's at most, both being this machine's otherwise; and for how long a
killed worker's transaction may have kept commands from being read."""


T = TypeVar("T")


async def judge(site: Site) -> list[Difference]:
    """Everything that is not as it must be, once the site has come to rest."""
    return await _aside(lambda: _judge(site))


async def verified(site: Site) -> list[Difference]:
    """``weir verify``: fold, table and database."""
    return await _aside(lambda: _verified(site))


async def _aside(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """In a thread: it computes for seconds, and what the roles say goes through this process, whose silence would end
    their sessions.
    """
    return await asyncio.to_thread(lambda: asyncio.run(work()))


async def _judge(site: Site) -> list[Difference]:
    book, topics = site.load.book, site.topics
    async with opened(site.settings) as log:
        evidence = await gather(log, site.settings, topics, book)
        evidence.effects = [(key, text.decode()) for key, text in site.ledger.effects]
        sent = book.sent
        sent.readings = list(evidence.expected())
        sent.ledger = Ledger(ACTIONS, [Effect(*effect) for effect in site.ledger.effects], prompt=True)
        checked = await check_log(log, topics, now_ms=round(time.time() * 1000), sent=sent, skew_ms=SKEW_MS)
    found = checked.differences
    for check in CHECKS.values():
        found += check(evidence)
    found += [one for one in await _verified(site) if one not in found]
    found += [
        Difference(
            "role", ending.member, None, f"code: expected one of {ending.wanted}, but it ended with {ending.code}"
        )
        for ending in site.fleet.endings
        if not ending.explained
    ]
    return found


async def _verified(site: Site) -> list[Difference]:
    report = await verify(site.settings, site.topics, lambda _done, _total: None)
    return report.differences
