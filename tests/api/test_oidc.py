"""Tokens, checked against a real issuer that the test runs."""

import hashlib
import hmac
from collections.abc import AsyncIterator

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.api.issuer import AUDIENCE, IssuingServer, issuing
from weir.api.auth import oidc
from weir.api.auth.oidc import Issuer
from weir.api.problems import ProblemError


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def server() -> AsyncIterator[IssuingServer]:
    async with issuing() as found:
        yield found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(server: IssuingServer, clock: Clock) -> Issuer:
    return Issuer(server.url, AUDIENCE, clock)


async def refused(issuer: Issuer, token: str) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        await issuer.principal(token)
    assert caught.value.headers
    return caught.value


async def test_who_a_token_is_about(server: IssuingServer, issuer: Issuer) -> None:
    found = await issuer.principal(
        server.token(
            scope="openid processes:view", scp=["tasks:work", "mail"], roles=["author", "chief"], groups=["night"]
        )
    )
    assert (found.id, found.kind, found.groups, found.roles) == ("anna", "user", {"night"}, {"author", "chief"})
    assert found.scopes == {"processes:view", "processes:create", "processes:execute", "tasks:view", "tasks:work"}
    assert not found.may("admin")
    nothing = await issuer.principal(server.token(roles="operator", groups={"a": 1}, scope=7))
    assert (nothing.roles, nothing.groups) == ({"operator"}, frozenset())


async def test_a_token_of_another_curve(server: IssuingServer, issuer: Issuer) -> None:
    server.add("second", elliptic=True)
    assert (await issuer.principal(server.token("second", algorithm="ES256"))).id == "anna"


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"exp": 1_000_000_000}, "expired"),
        ({"aud": "another"}, "Audience"),
        ({"iss": "http://127.0.0.1:1/other"}, "issuer"),
        ({"exp": None}, "exp"),
        ({"sub": None}, "sub"),
        ({"aud": None}, "aud"),
        ({"iss": None}, "iss"),
        ({"nbf": 4_000_000_000}, "not yet valid"),
    ],
)
async def test_claims_that_do_not_fit(
    server: IssuingServer, issuer: Issuer, claims: dict[str, object], says: str
) -> None:
    problem = await refused(issuer, server.token(**claims))
    assert (problem.status, problem.headers["WWW-Authenticate"]) == (401, 'Bearer realm="weir", error="invalid_token"')
    assert says in problem.detail


async def test_signatures_that_do_not_hold(server: IssuingServer, issuer: Issuer) -> None:
    public = server.keys["first"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = jwt.decode(server.token(), options={"verify_signature": False})
    head = jwt.utils.base64url_encode(b'{"alg":"HS256","typ":"JWT","kid":"first"}')
    body = server.token().split(".")[1].encode()
    signature = jwt.utils.base64url_encode(hmac.new(public, head + b"." + body, hashlib.sha256).digest())
    by_public_key = b".".join((head, body, signature)).decode()  # PyJWT itself refuses to sign so
    foreign = server.token(key=rsa.generate_private_key(65537, 2048))
    cut = server.token()[:-20]
    unnamed = jwt.encode(claims, server.keys["first"], "RS256")
    for token in (jwt.encode(claims, None, "none"), by_public_key, foreign, cut, unnamed, "x.y.z", "", "é"):
        assert (await refused(issuer, token)).status == 401, token
    assert (await issuer.principal(server.token())).id == "anna", "it is the signatures"


async def test_keys_that_are_new_are_asked_for_but_not_by_each_token(
    server: IssuingServer, issuer: Issuer, clock: Clock
) -> None:
    await issuer.principal(server.token())
    server.add("second")
    rotated = server.token("second")
    assert (await refused(issuer, rotated)).status == 401, "looked at a moment ago"
    clock.now += oidc.LEAST_S
    assert (await issuer.principal(rotated)).id == "anna"
    assert server.looks == 2
    for _ in range(5):
        assert (await refused(issuer, server.token() + "x")).status == 401
        await refused(issuer, jwt.encode({}, server.keys["first"], "RS256", headers={"kid": "nobody"}))
    assert server.looks == 2


async def test_keys_that_were_withdrawn_are_forgotten(server: IssuingServer, issuer: Issuer, clock: Clock) -> None:
    old = server.token()
    await issuer.principal(old)
    server.add("second")
    del server.keys["first"]
    clock.now += oidc.MOST_S + 1
    assert (await refused(issuer, old)).status == 401


async def test_an_issuer_that_is_away(server: IssuingServer, issuer: Issuer, clock: Clock) -> None:
    server.down = True
    problem = await refused(issuer, server.token())
    assert (problem.status, problem.kind) == (503, "issuer_unreachable")
    server.down = False
    clock.now += oidc.LEAST_S
    await issuer.principal(server.token())
    server.down = True
    clock.now += oidc.MOST_S + 1
    assert (await issuer.principal(server.token())).id == "anna", "what is known goes on"
    server.add("second")
    clock.now += oidc.LEAST_S
    assert (await refused(issuer, server.token("second"))).status == 503


async def test_keys_that_come_in_several_packets(server: IssuingServer, issuer: Issuer) -> None:
    server.parts = 3
    assert (await issuer.principal(server.token())).id == "anna"


async def test_a_document_without_end_is_not_read(
    server: IssuingServer, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "MAX_BYTES", 200)
    server.parts = 9
    problem = await refused(issuer, server.token())
    assert (problem.status, "at most 200 bytes" in problem.detail) == (503, True)
