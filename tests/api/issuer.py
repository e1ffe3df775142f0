"""A real OIDC issuer: discovery and keys over HTTP, and tokens that it signs."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from weir.stack.ports import free_port_numbers

AUDIENCE = "weir"


class IssuingServer:
    """``looks`` counts how often its keys were asked for; ``down`` lets it answer 500; ``parts``: of
    how many packets the keys are.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/plant"
        self.keys: dict[str, Any] = {}
        self.looks, self.down, self.parts = 0, False, 1
        self.add("first")

    def add(self, kid: str, *, elliptic: bool = False) -> None:
        """Publish another key."""
        made: Any = ec.generate_private_key(ec.SECP256R1()) if elliptic else rsa.generate_private_key(65537, 2048)
        self.keys[kid] = made

    def token(self, kid: str = "first", *, algorithm: str = "RS256", key: Any = None, **claims: Any) -> str:
        """A token that is good for an hour; a claim that is ``None`` is left out."""
        now = int(time.time())
        base = {"iss": self.url, "aud": AUDIENCE, "sub": "anna", "iat": now, "exp": now + 3600}
        content = {name: value for name, value in {**base, **claims}.items() if value is not None}
        return jwt.encode(content, self.keys[kid] if key is None else key, algorithm, headers={"kid": kid})

    def public_jwk(self, kid: str) -> dict[str, Any]:
        """As it publishes it."""
        key = self.keys[kid].public_key()
        algorithm: Any = RSAAlgorithm if isinstance(key, rsa.RSAPublicKey) else ECAlgorithm
        name = "RS256" if algorithm is RSAAlgorithm else "ES256"
        return {**algorithm.to_jwk(key, as_dict=True), "kid": kid, "use": "sig", "alg": name}

    async def discovery(self, _: web.Request) -> web.Response:
        if self.down:
            return web.Response(status=500)
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

    async def published(self, request: web.Request) -> web.StreamResponse:
        self.looks += 1
        raw = json.dumps({"keys": [self.public_jwk(kid) for kid in self.keys]}).encode()
        response = web.StreamResponse()
        await response.prepare(request)
        size = -(-len(raw) // self.parts)
        for begin in range(0, len(raw), size):
            await response.write(raw[begin : begin + size])
            await asyncio.sleep(0.01)  # a packet of its own
        await response.write_eof()
        return response


@asynccontextmanager
async def issuing() -> AsyncIterator[IssuingServer]:
    """An issuer that runs."""
    (port,) = free_port_numbers(1, 21000, 21999)
    server = IssuingServer(port)
    app = web.Application()
    app.add_routes(
        [
            web.get("/plant/.well-known/openid-configuration", server.discovery),
            web.get("/plant/keys", server.published),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield server
    finally:
        await runner.cleanup()
