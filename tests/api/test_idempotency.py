"""Keys of writes: reserved, taken over, answered and forgotten; and what happens where they cannot be had."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import asyncpg

from streams.core.commands import Cancel, Signal
from tests.api.inside import inside, settings_of
from tests.site import migrated
from weir.api.idempotency import table
from weir.api.idempotency.plan import CURRENT, Plan, planned
from weir.api.idempotency.table import Asked, Kept, Other, UnderWay

ADMIN_KEY = "the key of an administrator, which is long"
ASKED = Asked("user ada", "k", "POST /signals", b"h" * 32)
ANSWER = Kept(202, [("content-type", "application/json")], b'{"command_id":"\\u0000"}')


async def test_a_key_is_reserved_answered_and_forgotten(connection: asyncpg.Connection) -> None:
    async def reserve(asked: Asked = ASKED, lease_s: float = 60) -> Plan | Kept | Other | UnderWay:
        return await table.reserve(connection, asked, lease_s, 3600)

    plan = await reserve()
    assert isinstance(plan, Plan)
    assert not plan.repeated
    assert isinstance(await reserve(), UnderWay)
    for other in (ASKED._replace(route="POST /messages"), ASKED._replace(body_hash=b"i" * 32)):
        assert isinstance(await reserve(other), Other)
    assert isinstance(await reserve(ASKED._replace(principal="user ben")), Plan), "a key is its user's own"
    await table.let_go(connection, ASKED, plan)
    assert isinstance(await reserve(ASKED._replace(body_hash=b"i" * 32)), Other)
    again = await reserve()
    assert isinstance(again, Plan)
    assert (again.seed, again.at_s, again.repeated) == (plan.seed, plan.at_s, True)
    assert isinstance(await reserve(), UnderWay)
    await table.keep(connection, ASKED, plan, ANSWER)
    assert await reserve() == ANSWER
    assert isinstance(await reserve(ASKED._replace(body_hash=b"i" * 32)), Other)
    assert await table.purge(connection) == 0
    await table.forget(connection, ASKED, plan)
    assert await reserve() == ANSWER, "what was answered is not forgotten"

    await connection.execute("UPDATE idempotency_keys SET expires_at = now() WHERE principal = 'user ada'")
    anew = await reserve(ASKED._replace(body_hash=b"i" * 32))
    assert isinstance(anew, Plan)
    assert (anew.seed == plan.seed, anew.repeated) == (False, False)
    await table.keep(connection, ASKED, plan, ANSWER)
    assert isinstance(await reserve(ASKED._replace(body_hash=b"i" * 32)), UnderWay), "another's answer is not its own"
    await table.forget(connection, ASKED, anew)
    await connection.execute("UPDATE idempotency_keys SET expires_at = now()")
    assert (await table.purge(connection), await table.purge(connection)) == (1, 0)


async def test_at_the_same_time_one_of_all_has_the_key(
    fresh_database: Callable[..., str],
) -> None:
    url = fresh_database(migrated)
    others = [await asyncpg.connect(url) for _ in range(6)]
    for _ in range(5):
        found = await asyncio.gather(*(table.reserve(one, ASKED, 60, 3600) for one in others))
        (plan,) = [one for one in found if isinstance(one, Plan)]
        assert sum(isinstance(one, UnderWay) for one in found) == len(others) - 1
        await table.let_go(others[0], ASKED, plan)
        taken = await asyncio.gather(*(table.reserve(one, ASKED, 60, 3600) for one in others))
        assert [one.repeated for one in taken if isinstance(one, Plan)] == [True]
        await table.forget(others[0], ASKED, plan)
    for one in others:
        await one.close()


def test_the_same_commands_have_the_same_ids() -> None:
    first, second = Signal(name="go", key="k"), Cancel(instance_id="i")
    assert planned(first).id != planned(first).id
    assert planned(Cancel(id="mine", instance_id="i")).id == "mine"
    plan = Plan(seed=UUID(int=7), at_s=0.0, repeated=False)
    token = CURRENT.set(plan)
    try:
        assert planned(first).id == planned(Signal(id="other", name="go", key="k")).id
        assert len({planned(one).id for one in (first, second, Signal(name="go", key="l"))}) == 3
    finally:
        CURRENT.reset(token)


async def test_without_the_database_a_key_is_refused_unless_the_start_has_a_time() -> None:
    async with inside(settings_of(api_admin_key=ADMIN_KEY)) as api:
        headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Idempotency-Key": "k"}

        async def kind(path: str, body: object) -> str:
            answer = await api.post(path, json=body, headers=headers)
            assert answer.status_code == 503, answer.text
            return answer.json()["type"]

        assert await kind("/signals", {"key": "k", "name": "go"}) == "/problems/database_unreachable"
        assert await kind("/processes/p/start", {}) == "/problems/database_unreachable"
        assert await kind("/processes/p/start", [1]) == "/problems/database_unreachable"
        timed = {"requested_at": "2026-01-01T00:00:00Z"}
        assert await kind("/processes/p/start", timed) == "/problems/kafka_unreachable"
        headers = {"Idempotency-Key": "k"}
        assert (await api.post("/signals", json={}, headers=headers)).status_code == 401
