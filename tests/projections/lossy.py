"""A TCP proxy before PostgreSQL that loses answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import SplitResult, urlsplit

PORTS = range(23500, 24000)


class LossyProxy:
    """Forwards connections to the server of ``url``.

    ``wanted`` answers to COMMIT are still to be lost, ``count`` were: the server commits, its answer is swallowed, and
    the connection ends.
    """

    def __init__(self, url: str) -> None:
        self._server: SplitResult = urlsplit(url)
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = url
        self.wanted = self.count = 0

    async def listen(self) -> asyncio.Server:
        """Accept connections at ``self.url``, which is then the proxy's."""
        for port in PORTS:
            try:
                server = await asyncio.start_server(self._connected, "127.0.0.1", port)
            except OSError:
                continue
            netloc = self._server.netloc.replace(f":{self._server.port}", f":{port}")
            self.url = self._server._replace(netloc=netloc).geturl()
            return server
        raise RuntimeError(f"Expected a free port in {PORTS}, but got none")

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._forward(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forward(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        server_reader, server = await asyncio.open_connection(self._server.hostname, self._server.port)
        losing = asyncio.Event()
        directions = [
            asyncio.create_task(self._requests(client_reader, server, losing)),
            asyncio.create_task(self._answers(server_reader, client, losing)),
        ]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in directions:
                task.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            for writer in (client, server):
                writer.close()
            await asyncio.gather(client.wait_closed(), server.wait_closed(), return_exceptions=True)

    async def _requests(
        self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, losing: asyncio.Event
    ) -> None:
        while data := await reader.read(65536):
            if self.wanted and b"COMMIT;" in data:
                self.wanted -= 1
                losing.set()
            server.write(data)

    async def _answers(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter, losing: asyncio.Event) -> None:
        while data := await reader.read(65536):
            if losing.is_set():
                self.count += 1
                return
            client.write(data)


@asynccontextmanager
async def lossy_proxy(url: str) -> AsyncIterator[LossyProxy]:
    """A proxy to ``url``'s server; it loses nothing at first."""
    proxy = LossyProxy(url)
    async with await proxy.listen():
        yield proxy
        await proxy.close()
