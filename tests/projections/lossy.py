"""A TCP proxy before PostgreSQL that loses answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

PORTS = range(23500, 24000)


@dataclass
class Losses:
    """``wanted`` answers to COMMIT are still to be lost; ``count`` were."""

    wanted: int
    count: int = 0


@asynccontextmanager
async def lost_commits(url: str) -> AsyncIterator[tuple[str, Losses]]:
    """Yields the URL of ``url``'s database through the proxy, and what to lose (nothing at first).

    To lose an answer is to let the server commit, swallow its answer and close the connection.
    """
    parts = urlsplit(url)
    losses = Losses(0)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        server_reader, server = await asyncio.open_connection(parts.hostname, parts.port)
        losing = False

        async def requests() -> None:
            nonlocal losing
            while data := await client_reader.read(65536):
                if losses.wanted and b"COMMIT;" in data:
                    losses.wanted -= 1
                    losing = True
                server.write(data)

        async def answers() -> None:
            while data := await server_reader.read(65536):
                if losing:
                    losses.count += 1
                    return
                client.write(data)

        directions = [asyncio.create_task(requests()), asyncio.create_task(answers())]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in directions:
                task.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            for writer in (client, server):
                writer.close()
            await asyncio.gather(client.wait_closed(), server.wait_closed(), return_exceptions=True)

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server, port = await _listen(connected)
    async with server:
        yield parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{port}")).geturl(), losses
    open_still = list(tasks)
    for task in open_still:
        task.cancel()
    await asyncio.gather(*open_still, return_exceptions=True)


async def _listen(connected: object) -> tuple[asyncio.Server, int]:
    for port in PORTS:
        try:
            return await asyncio.start_server(connected, "127.0.0.1", port), port  # type: ignore[arg-type]
        except OSError:
            continue
    raise RuntimeError(f"Expected a free port in {PORTS}, but got none")
