"""The MQTT broker ``amqtt`` as a process: ``python -m weir.stack.amqtt_broker HOST PORT``."""

import asyncio
import logging
import signal
import sys

from amqtt.broker import Broker

from weir.stack.amqtt_sessions import session_broker


async def until_told(broker: Broker) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await broker.start()
    await stop.wait()
    await broker.shutdown()


async def serve(host: str, port: int) -> None:
    """Serve on that address."""
    await until_told(session_broker(host, port))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
