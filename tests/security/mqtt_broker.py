"""amqtt with a password and, with two files more, TLS: ``mqtt_broker HOST PORT USER PASSWORD [CERT KEY]``."""

import asyncio
import logging
import sys
from pathlib import Path

from weir.stack.amqtt_broker import until_told
from weir.stack.amqtt_sessions import session_broker


async def serve(host: str, port: str, user: str, password: str, *files: str) -> None:
    tls = (Path(files[0]), Path(files[1])) if files else None
    await until_told(session_broker(host, int(port), {user: password}, tls))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(*sys.argv[1:]))
