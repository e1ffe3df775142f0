"""A TCP proxy before a service: the network between it and some of its clients, to be cut, stalled and slowed."""

import asyncio
from contextlib import suppress

CHUNK_BYTES = 65_536


class Proxy:
    """Connections to ``port`` go on to ``target``, both on 127.0.0.1.

    ``stall`` holds every byte back, as a network does that loses packets; ``cut`` drops the connections and each new
    one; ``heal`` ends both.
    """

    def __init__(self, name: str, port: int, target: int) -> None:
        self.name, self.port, self.target = name, port, target
        self.delay_s = 0.0
        self.barred: set[bytes] = set()
        """What does not come through: a connection that carries one of them ends."""
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        self.drop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stall(self) -> None:
        self._flowing.clear()

    def cut(self) -> None:
        self._refusing = True
        self.drop()

    def drop(self) -> None:
        """End the connections that there are; new ones come through."""
        for writer in list(self._open):
            writer.transport.abort()

    def heal(self) -> None:
        self._refusing = False
        self.delay_s = 0.0
        self._flowing.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # the service is down, or the proxy stops: the client sees its connection end
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flowing.wait()
        if self._refusing:
            return
        service_reader, service_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._open |= {writer, service_writer}
        pumps = [
            asyncio.ensure_future(self._pump(reader, service_writer)),
            asyncio.ensure_future(self._pump(service_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open -= {writer, service_writer}
            for pump in pumps:
                pump.cancel()
            service_writer.transport.abort()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the sender is done; what it sent last is delivered before the connection is taken down."""
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if any(one in data for one in self.barred):
                    return
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
            writer.write_eof()
