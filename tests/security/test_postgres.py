"""PostgreSQL over TLS with a password: DATABASE_URL means what asyncpg and libpq take it for."""

from collections.abc import Callable
from typing import Any

import pytest

from streams.database import Database
from streams.refusals import place_of
from streams.refused import RefusedError
from tests.security.services import HOST, PASSWORD, Services
from weir.stack import postgres

Change = Callable[[Services], dict[str, Any]]

REFUSED: dict[str, tuple[Change, str]] = {
    "wrong password": (
        lambda at: {"password": "another-password", "sslmode": "require"},
        'password authentication failed for user "weir". Check user and password in DATABASE_URL',
    ),
    "unknown CA": (
        lambda at: {"sslmode": "verify-full", "sslrootcert": at.certificates.other_ca},
        "authority that is not trusted here. Check sslrootcert and the host in DATABASE_URL",
    ),
    "plaintext": (lambda at: {"sslmode": "disable"}, "Check user, password and sslmode in DATABASE_URL"),
    "no such file": (
        lambda at: {"sslmode": "verify-full", "sslrootcert": "/nowhere.pem"},
        "sslrootcert=/nowhere.pem in DATABASE_URL cannot be read",
    ),
    "no certificate in it": (
        lambda at: {"sslmode": "verify-full", "sslrootcert": at.certificates.server.key},
        "there is no certificate in the file. Check sslrootcert",
    ),
    "no such mode": (lambda at: {"sslmode": "very-safe"}, "sslmode` parameter must be one of"),
}


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca", "require"])
def test_a_way_in(services: Services, mode: str) -> None:
    url = services.database_url(sslmode=mode, sslrootcert=services.certificates.ca)
    assert "TimescaleDB" in postgres.check(url)


async def refused_by(url: str) -> str:
    """What the check and the projector say, which is the same."""
    with pytest.raises(RefusedError) as by_check:
        postgres.check(url)
    database = Database(url)

    async def connect() -> None:
        async with database.connection():
            raise AssertionError("Expected a refusal")

    with pytest.raises(RefusedError) as by_projector:
        await database.patiently("connecting", connect)
    assert str(by_projector.value) == str(by_check.value)
    assert PASSWORD not in str(by_check.value)
    return str(by_check.value)


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refusal_ends_the_trying_and_names_the_setting(services: Services, case: str) -> None:
    change, names = REFUSED[case]
    said = await refused_by(services.database_url(**change(services)))
    assert said.startswith(f"The database {HOST}:{services.postgres}/weir refuses us: ")
    assert names in said


@pytest.mark.parametrize(("kind", "names"), [("expired", "has expired"), ("elsewhere", "is for another address")])
async def test_a_wrong_certificate_is_refused_by_us(services: Services, kind: str, names: str) -> None:
    try:
        services.present(getattr(services.certificates, kind))
        said = await refused_by(services.database_url())
        assert f"its certificate {names}. Check sslrootcert and the host in DATABASE_URL" in said
    finally:
        services.present(services.certificates.server)
    assert "TimescaleDB" in postgres.check(services.database_url())


def test_tls_to_a_server_without_it(stack: Any) -> None:
    with pytest.raises(RefusedError, match=r"it does not speak TLS. Check sslmode in DATABASE_URL"):
        postgres.check(f"{stack.database_url}?sslmode=require")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://me:secret@db/plant", "db:5432/plant"),
        ("postgresql://me:p%40s@db:1/plant?sslmode=require&password=x", "db:1/plant"),
        ("postgresql://me@[::1]/plant", "[::1]:5432/plant"),
        ("postgresql://me@[::1]:5/plant", "[::1]:5/plant"),
        ("postgresql://a:1,b:2/plant", "a:1,b:2/plant"),
        ("postgresql:///plant?host=/run/postgresql", "localhost:5432/plant"),
    ],
)
def test_a_database_has_a_place_for_messages(url: str, place: str) -> None:
    assert place_of(url) == place
