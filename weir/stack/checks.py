"""Health checks: each asks the service something that only a working one answers, and returns a detail to show.

A check raises any exception when the service is not (yet) healthy.
"""

import asyncio
import socket
import urllib.request
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import aiomqtt
import asyncpg
from aiokafka.admin import AIOKafkaAdminClient

from weir.stack.ports import LOCALHOST

Check = Callable[[], str]
T = TypeVar("T")
TIMEOUT_S = 5.0


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end in a thread of its own: the caller may have an event loop, running or not, that stays untouched."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def tcp(port: int) -> None:
    """Raise when nothing accepts connections on the port; a cheap first question before a client library's."""
    socket.create_connection((LOCALHOST, port), timeout=TIMEOUT_S).close()


def kafka(brokers: str) -> str:
    """The broker answers metadata and lists its topics."""

    async def ask() -> str:
        admin = AIOKafkaAdminClient(bootstrap_servers=brokers, request_timeout_ms=int(TIMEOUT_S * 1000))
        await admin.start()
        try:
            cluster = await admin.describe_cluster()
            topics = await admin.list_topics()
        finally:
            await admin.close()
        nodes, count = len(cluster["brokers"]), len(topics)
        return f"{nodes} broker{'s' if nodes != 1 else ''}, {count} topic{'s' if count != 1 else ''}"

    return run_async(asyncio.wait_for(ask(), 2 * TIMEOUT_S))


def postgres(database_url: str) -> str:
    """The database answers and has the TimescaleDB extension."""

    async def ask() -> str:
        connection = await asyncpg.connect(database_url, timeout=TIMEOUT_S, command_timeout=TIMEOUT_S)
        try:
            version = await connection.fetchval("show server_version")
            extension = await connection.fetchval("select extversion from pg_extension where extname = 'timescaledb'")
        finally:
            await connection.close()
        if extension is None:
            raise LookupError("Expected the extension timescaledb in the database, but it is not there")
        return f"PostgreSQL {version.split()[0]}, TimescaleDB {extension}"

    return run_async(asyncio.wait_for(ask(), 2 * TIMEOUT_S))


def mqtt(host: str, port: int) -> str:
    """The broker accepts a CONNECT."""

    async def ask() -> str:
        async with aiomqtt.Client(host, port, timeout=TIMEOUT_S):
            return "accepts connections"

    return run_async(asyncio.wait_for(ask(), 2 * TIMEOUT_S))


def http(url: str) -> str:
    """The URL answers with a success status."""
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310  our own process on 127.0.0.1
        return f"HTTP {response.status}"
