"""The fixtures that all other tests stand on."""

from collections.abc import Callable

import asyncpg

from streams.settings import Settings
from weir.stack import kafka, postgres
from weir.stack.stack import StackUrls


async def test_settings_point_at_a_stack_that_answers(settings: Settings, stack: StackUrls):
    assert "1 broker" in kafka.check({"bootstrap_servers": settings.brokers})
    assert "TimescaleDB" in postgres.check(settings.database_url)
    assert settings.mqtt_url == stack.mqtt_url
    assert settings.partitions == 4


async def test_a_prepared_database_is_a_copy_of_its_template(fresh_database: Callable[..., str]):
    prepared = []

    async def prepare(url: str) -> None:
        prepared.append(url)
        connection = await asyncpg.connect(url)
        await connection.execute("create table reading (time timestamptz not null, value float8)")
        await connection.execute("select create_hypertable('reading', by_range('time'))")
        await connection.close()

    first, second = fresh_database(prepare), fresh_database(prepare)
    assert first != second
    assert len(prepared) == 1
    one, two = await asyncpg.connect(first), await asyncpg.connect(second)
    await one.execute("insert into reading values (now(), 1.0)")
    assert await one.fetchval("select count(*) from reading") == 1
    assert await two.fetchval("select count(*) from reading") == 0
    await one.close()
    await two.close()
