"""``notify``: by mail on the fake and through a real SMTP server, by a webhook, by MQTT; and the file of channels."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson
import pytest
import trustme
from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from streams.actions import ActionError, ActionRequest, performers
from streams.actions.channels import ChannelsError, load_channels
from streams.actions.connections import Connections, fake_connections
from streams.actions.http_client import AiohttpClient, FakeHttpClient, HttpAnswer, HttpClient
from streams.actions.mailer import FakeMailer, Mailer, SmtpMailer
from streams.actions.publisher import FakePublisher
from streams.addresses import Allowed
from streams.secrets import Secrets
from weir.stack.ports import free_port_numbers

PASSWORD = "pl4nted-password"
SECRETS = Secrets({"WEIR_SECRET_SMTP": PASSWORD, "WEIR_SECRET_HOOK": "pl4nted-hook"})
CHANNELS = """\
operators: {type: email, host: localhost, port: %(port)d, tls: %(tls)s, cafile: %(ca)s, username: weir,
            password: "${secrets.smtp}", from: weir@plant.example, to: [ops@plant.example]}
chat: {type: webhook, url: "http://127.0.0.1:%(port)d/hooks/${secrets.hook}", headers: {X-Key: "k-${secrets.hook}"}}
panel: {type: mqtt, topic: hall/3/panel}
people: {type: email, host: localhost, port: %(port)d, tls: %(tls)s, cafile: %(ca)s, username: weir,
         password: "${secrets.smtp}", from: weir@plant.example, to: [ops@plant.example],
         people: "${user}@plant.example"}
"""


class Mailbox:
    """What a real server does with mail: keeps it, knows one user, and does not take some recipients."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.secure: list[bool] = []
        self.password = PASSWORD

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("full"):
            return "452 4.2.2 Mailbox full"
        if address.startswith("nobody"):
            return "550 5.1.1 No such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content or b"", policy=policy.default)
        assert isinstance(mail, EmailMessage)
        if "greylist" in str(mail["Subject"]):
            return "451 4.7.1 Try again later"
        if "spam" in str(mail["Subject"]):
            return "554 5.7.1 No spam"
        self.mails.append(mail)
        self.secure.append(session.ssl is not None)
        return "250 OK"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = (data.login, data.password) == (b"weir", self.password.encode())
        return AuthResult(success=right, handled=False)


@asynccontextmanager
async def mail_server(box: Mailbox, tls: ssl.SSLContext | None, how: str = "starttls") -> AsyncIterator[int]:
    """A real server on a port of 127.0.0.1."""
    made: list[SMTP] = []

    def protocol() -> SMTP:
        one = SMTP(
            box,
            tls_context=tls if how == "starttls" else None,
            require_starttls=how == "starttls",
            auth_required=True,
            auth_require_tls=how == "starttls",
            authenticator=box.authenticate,
            hostname="plant.example",
        )
        made.append(one)
        return one

    [port] = free_port_numbers(1, 24_000, 24_900)
    secure = tls if how == "tls" else None
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port, ssl=secure)
    yield port
    server.close()
    for one in made:
        for transport in (one.transport, one._original_transport):
            if transport is not None and not transport.is_closing():
                transport.abort()
    await server.wait_closed()


class Certified(NamedTuple):
    """A server's TLS, and the file that trusts it."""

    context: ssl.SSLContext
    ca: Path


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return Certified(context, path)


class World(NamedTuple):
    """Connections with the channels above, and the mails that arrived."""

    connections: Connections
    mails: list[EmailMessage]
    box: Mailbox | None


def channels(folder: Path, port: int, tls: str = "starttls", ca: Path = Path("none.pem"), text: str = CHANNELS) -> Any:
    file = folder / "channels.yaml"
    file.write_text(text % {"port": port, "tls": tls, "ca": ca})
    return load_channels(file)


def connections(folder: Path, mailer: Mailer, port: int, tls: str = "starttls", ca: Path = Path("x")) -> Connections:
    known = channels(folder, port, tls, ca)
    return fake_connections()._replace(mailer=mailer, channels=known, secrets=SECRETS)


@pytest.fixture(params=["fake", "real"])
async def world(request: pytest.FixtureRequest, tmp_path: Path, certified: Certified) -> AsyncIterator[World]:
    if request.param == "fake":
        fake = FakeMailer(frozenset({"nobody@plant.example"}))
        yield World(connections(tmp_path, fake, 1), fake.mails, None)
        return
    box = Mailbox()
    async with mail_server(box, certified.context) as port:
        yield World(connections(tmp_path, SmtpMailer(), port, ca=certified.ca), box.mails, box)


def request(config: dict[str, Any], key: str = "i:a:1", time_left_s: float = 20.0) -> ActionRequest:
    return ActionRequest("notify", config, "i-1", "a-1", "cooling", key, time_left_s)


async def notify(by: Connections, /, key: str = "i:a:1", time_left_s: float = 20.0, **config: Any) -> dict[str, Any]:
    return await performers(by)["notify"].perform(request(config, key, time_left_s))


async def failed(by: Connections, /, **config: Any) -> tuple[str, bool, str]:
    with pytest.raises(ActionError) as error:
        await notify(by, **config)
    assert "pl4nted" not in str(error.value)
    return error.value.error_type, error.value.retryable, str(error.value)


# ---- by mail


async def test_a_mail_says_who_tells_what(world: World) -> None:
    output = await notify(world.connections, channel="operators", title="Heiß:\n95 °C", message="Pumpe 3\nist heiß\n")
    [mail] = world.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == ("weir@plant.example", "ops@plant.example", "Heiß: 95 °C")
    assert mail.get_content().replace("\r\n", "\n") == "Pumpe 3\nist heiß\n"
    assert (mail["X-Weir-Instance"], mail["Auto-Submitted"]) == ("i-1", "auto-generated")
    assert output == {
        "channel": "operators",
        "message_id": mail["Message-ID"],
        "to": ["ops@plant.example"],
        "refused": {},
    }
    msgspec.json.encode(output)  # as the answer to the processor is: a header of a mail is a text to `==` only
    if world.box is not None:
        assert world.box.secure == [True]


async def test_a_mail_that_comes_twice_has_the_same_id(world: World) -> None:
    for key in ("i:a:1", "i:a:1", "i:a:2"):
        await notify(world.connections, key, channel="operators", message="hot")
    first, again, other = [mail["Message-ID"] for mail in world.mails]
    assert first == again != other
    assert first.endswith("@plant.example>")
    assert world.mails[0]["Subject"] == "cooling: hot"


async def test_recipients_may_be_of_the_message_and_some_refused(world: World) -> None:
    to = ["a@plant.example", ["nobody@plant.example", "b@plant.example"]]
    output = await notify(world.connections, channel="operators", message="hot", to=to)
    assert output["to"] == ["a@plant.example", "nobody@plant.example", "b@plant.example"]
    assert list(output["refused"]) == ["nobody@plant.example"]
    assert len(world.mails) == 1


@pytest.mark.parametrize(
    ("config", "to"),
    [
        ({"people": ["anna", "ben@home.example", "anna"]}, ["anna@plant.example", "ben@home.example"]),
        ({"people": ["the night shift", "ben"]}, ["ben@plant.example"]),
        ({"people": ["the night shift"]}, ["ops@plant.example"]),
        ({"people": []}, ["ops@plant.example"]),
        ({"people": ["anna"], "to": ["boss@plant.example"]}, ["boss@plant.example"]),
        ({"people": ["anna"], "channel": "operators"}, ["ops@plant.example"]),
    ],
)
async def test_a_channel_may_have_addresses_for_the_people_of_a_task(
    world: World, config: dict[str, Any], to: list[str]
) -> None:
    output = await notify(world.connections, **({"channel": "people", "message": "a task"} | config))
    assert output["to"] == to


async def test_when_nobody_gets_it_it_has_failed(world: World) -> None:
    kind, retryable, _ = await failed(
        world.connections, channel="operators", message="hot", to=["nobody@plant.example"]
    )
    assert (kind, retryable) == ("mail_refused", False)


@pytest.mark.parametrize(
    "to", [["a b@c.example"], ["a@c.example\nBcc: d@e.example"], ["a@c.example, d@e.example"], [7], ["@c"], [], "x"]
)
async def test_what_is_no_address_is_refused(world: World, to: Any) -> None:
    kind, retryable, said = await failed(world.connections, channel="operators", message="hot", to=to)
    assert (kind, retryable, world.mails) == ("invalid_config", False, [])
    assert "config.to" in said or "recipients" in said


@pytest.mark.parametrize(
    ("config", "kind", "retryable"),
    [
        ({"title": "greylist"}, "mail_later", True),
        ({"title": "spam"}, "mail_refused", False),
        ({"to": ["full@plant.example"]}, "mail_later", True),
    ],
)
async def test_what_a_server_says_tells_whether_later_helps(
    tmp_path: Path, certified: Certified, config: dict[str, Any], kind: str, retryable: bool
) -> None:
    async with mail_server(Mailbox(), certified.context) as port:
        to = connections(tmp_path, SmtpMailer(), port, ca=certified.ca)
        assert (await failed(to, channel="operators", message="hot", **config))[:2] == (kind, retryable)


async def test_a_wrong_password_is_refused(tmp_path: Path, certified: Certified) -> None:
    box = Mailbox()
    box.password = "another"
    async with mail_server(box, certified.context) as port:
        to = connections(tmp_path, SmtpMailer(), port, ca=certified.ca)
        kind, retryable, said = await failed(to, channel="operators", message="hot")
    assert (kind, retryable) == ("mail_login", False)
    assert "535" in said


async def test_a_server_that_is_not_trusted_gets_no_password(tmp_path: Path, certified: Certified) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    box = Mailbox()
    async with mail_server(box, certified.context) as port:
        to = connections(tmp_path, SmtpMailer(), port, ca=other)
        assert (await failed(to, channel="operators", message="hot"))[:2] == ("tls", False)


async def test_starttls_is_not_done_without(tmp_path: Path, certified: Certified) -> None:
    box = Mailbox()
    async with mail_server(box, None, "none") as port:
        to = connections(tmp_path, SmtpMailer(), port, ca=certified.ca)
        assert (await failed(to, channel="operators", message="hot"))[:2] == ("mail_refused", False)
    assert box.mails == []


async def test_tls_from_the_first_byte(tmp_path: Path, certified: Certified) -> None:
    box = Mailbox()
    async with mail_server(box, certified.context, "tls") as port:
        await notify(connections(tmp_path, SmtpMailer(), port, "tls", certified.ca), channel="operators", message="hot")
    assert len(box.mails) == 1


async def test_a_mail_server_that_is_away_may_be_there_later(tmp_path: Path, certified: Certified) -> None:
    away = FakeMailer()
    away.available = False
    for mailer in (away, SmtpMailer()):
        to = connections(tmp_path, mailer, 24_994, ca=certified.ca)
        assert (await failed(to, channel="operators", message="hot"))[:2] == ("unavailable", True)


async def test_without_its_secret_a_channel_says_so(tmp_path: Path) -> None:
    to = connections(tmp_path, FakeMailer(), 1)._replace(secrets=Secrets({}))
    kind, _, said = await failed(to, channel="operators", message="hot")
    assert kind == "unknown_secret"
    assert "WEIR_SECRET_SMTP" in said


# ---- by a webhook and by MQTT


@asynccontextmanager
async def hook(status: int, calls: list[Any]) -> AsyncIterator[int]:
    async def handle(got: web.Request) -> web.Response:
        calls.append((got.path, dict(got.headers), await got.json()))
        return web.Response(status=status, text="you sent pl4nted-hook")

    [port] = free_port_numbers(1, 24_000, 24_900)
    runner = web.AppRunner(web.Application())
    runner.app.router.add_route("*", "/{path:.*}", handle)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield port
    await runner.cleanup()


async def over_http(folder: Path, port: int, client: HttpClient) -> Connections:
    return connections(folder, FakeMailer(), port)._replace(http=client)


@pytest.mark.parametrize("status", [200, 503, 404])
async def test_a_webhook_gets_json_and_what_it_answers_counts(tmp_path: Path, status: int) -> None:
    calls: list[Any] = []
    client = AiohttpClient(Allowed.parse("127.0.0.1"))
    await client.start()
    async with hook(status, calls) as port:
        to = await over_http(tmp_path, port, client)
        if status == 200:
            assert await notify(to, channel="chat", message="hot", title="T") == {"channel": "chat", "status": 200}
        else:
            kind, retryable, said = await failed(to, channel="chat", message="hot", title="T")
            assert (kind, retryable) == (f"http_{status}", status == 503)
            assert "***" in said
    await client.stop()
    [(path, headers, body)] = calls
    assert (path, headers["X-Key"], headers["Idempotency-Key"]) == ("/hooks/pl4nted-hook", "k-pl4nted-hook", "i:a:1")
    assert (body["text"], body["message"], body["instance_id"]) == ("T\nhot", "hot", "i-1")


async def test_a_webhook_reaches_no_private_address(tmp_path: Path) -> None:
    real = AiohttpClient(Allowed.parse(""))
    await real.start()
    for client in (real, FakeHttpClient(lambda _: HttpAnswer(200, {}, b""))):
        kind, retryable, _ = await failed(await over_http(tmp_path, 24_990, client), channel="chat", message="hot")
        assert (kind, retryable) == ("forbidden_address", False)
    await real.stop()


async def test_a_channel_may_be_a_topic(tmp_path: Path) -> None:
    to = connections(tmp_path, FakeMailer(), 1)
    await notify(to, channel="panel", message="hot")
    await notify(to, message="hot")
    assert isinstance(to.mqtt, FakePublisher)
    assert [(one.topic, orjson.loads(one.payload)["channel"]) for one in to.mqtt.messages] == [
        ("hall/3/panel", "panel"),
        ("weir/notify/alert", "alert"),
    ]


async def test_a_channel_that_is_not_configured_is_refused_once_some_are(tmp_path: Path) -> None:
    kind, retryable, said = await failed(connections(tmp_path, FakeMailer(), 1), channel="operator", message="hot")
    assert (kind, retryable) == ("invalid_config", False)
    assert "WEIR_CHANNELS_FILE" in said
    assert "Did you mean 'operators'?" in said


async def test_only_mail_has_recipients(tmp_path: Path) -> None:
    to = connections(tmp_path, FakeMailer(), 1)
    assert (await failed(to, channel="panel", message="hot", to=["a@b.example"]))[0] == "invalid_config"


@pytest.mark.parametrize(
    ("channel", "does"),
    [
        ("operators", "sends a mail to ops@plant.example by localhost:7"),
        ("chat", "sends POST to http://127.0.0.1:7/hooks/${secrets.hook}"),
        ("panel", "publishes 190 bytes to the MQTT topic hall/3/panel"),
    ],
)
def test_a_dry_run_knows_no_secret(tmp_path: Path, channel: str, does: str) -> None:
    to = connections(tmp_path, FakeMailer(), 7)
    effect = performers(to)["notify"].dry_run(request({"channel": channel, "message": "hot"}))
    assert effect.does.partition(" bytes")[2] == does.partition(" bytes")[2]
    assert effect.does == does or channel == "panel"
    assert "pl4nted" not in f"{effect}"


# ---- the file


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "channels.yaml:1:"),
        ("a: {type: pigeon}", "a: Input tag 'pigeon'"),
        ("a: {type: email, host: x}", "a.email.from"),
        ("a: {type: email, host: x, from: a@b.example, people: '@b.example'}", "a.email.people"),
        ("a: {type: email, host: x, from: 'a b'}", "a.email.from"),
        ("a: {type: webhook, url: 'http://${x}'}", "no variables but secrets"),
        ("a: {type: mqtt, topic: x, pl4nted: y}", "a.mqtt.pl4nted"),
        ("[]", "valid dictionary"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ChannelsError) as refused:
        channels(tmp_path, 1, text=text.replace("%", "%%"))
    assert says in str(refused.value)
    assert "Value error" not in str(refused.value)


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(ChannelsError, match=r"WEIR_CHANNELS_FILE=nowhere\.yaml cannot be read"):
        load_channels(Path("nowhere.yaml"))


def test_a_channel_does_not_show_its_password(tmp_path: Path) -> None:
    text = "a: {type: email, host: h, from: a@b.example, password: pl4nted}"
    assert "pl4nted" not in repr(channels(tmp_path, 1, text=text).get("a"))
