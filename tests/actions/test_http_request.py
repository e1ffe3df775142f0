"""``http_request`` on the fake and against a real server: what is asked, what is told, what is refused."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import unquote

import orjson
import pytest
import trustme
from aiohttp import web

from streams.actions import ActionError, ActionRequest
from streams.actions.http_client import MAX_BODY_BYTES, AiohttpClient, FakeHttpClient, HttpAnswer, HttpCall, HttpClient
from streams.actions.http_request import MAX_REDIRECTS, HttpRequest, redirected
from streams.addresses import Allowed

LOOPBACK = Allowed.parse("127.0.0.1")
JSON = {"content-type": "application/json; charset=utf-8"}


def respond(call: HttpCall) -> HttpAnswer:  # noqa: PLR0911  one a path
    """What the service of these tests answers, by path."""
    path, _, query = unquote(call.url.partition("://")[2].partition("/")[2]).partition("?")
    told = {"method": call.method, "headers": dict(call.headers), "body": (call.body or b"").decode(), "query": query}
    match path.split("/"):
        case ["tell"]:
            return HttpAnswer(200, JSON | {"etag": '"7"', "x-else": "no"}, orjson.dumps(told))
        case ["text"]:
            return HttpAnswer(200, {"content-type": "text/plain"}, "21 °C".encode())
        case ["empty"]:
            return HttpAnswer(204, {}, b"")
        case ["broken"]:
            return HttpAnswer(200, JSON, b"{")
        case ["large"]:
            return HttpAnswer(200, {"content-type": "text/plain"}, b"x" * (MAX_BODY_BYTES + 1))
        case ["status", status]:
            return HttpAnswer(int(status), {"content-type": "text/plain"}, b"because")
        case ["to", status, *where]:
            return HttpAnswer(int(status), {"location": "/" + "/".join(where)}, b"")
        case ["move", status]:
            return HttpAnswer(int(status), {"location": query}, b"")
        case ["away"]:
            return HttpAnswer(302, {"location": query}, b"")
    return HttpAnswer(404, {"content-type": "text/plain"}, b"nothing here")


class World(NamedTuple):
    """``url(path)`` of the service, a client that may reach it, and a URL where nobody answers."""

    client: HttpClient
    url: Callable[[str], str]
    calls: list[HttpCall]
    nobody: tuple[HttpClient, str]


@asynccontextmanager
async def serving(calls: list[HttpCall], tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The service on a port of 127.0.0.1."""

    async def handle(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = HttpCall(request.method, str(request.url), headers, await request.read(), "", "")
        calls.append(call)
        answer = respond(call)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    runner = web.AppRunner(web.Application())
    runner.app.router.add_route("*", "/{path:.*}", handle)
    await runner.setup()
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    yield port
    await runner.cleanup()


@asynccontextmanager
async def client(allowed: Allowed = LOOPBACK, tls: ssl.SSLContext | None = None) -> AsyncIterator[AiohttpClient]:
    made = AiohttpClient(allowed, tls)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture(params=["fake", "real"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        fake, down = FakeHttpClient(respond, LOOPBACK), FakeHttpClient(respond)
        down.available = False
        yield World(fake, lambda path: f"http://127.0.0.1:8080/{path}", fake.calls, (down, "http://plant.example/"))
        return
    calls: list[HttpCall] = []
    async with serving(calls) as port, client() as real:
        yield World(real, lambda path: f"http://127.0.0.1:{port}/{path}", calls, (real, "http://127.0.0.1:24995/"))


async def perform(client: HttpClient, time_left_s: float = 20.0, **config: Any) -> dict[str, Any]:
    request = ActionRequest("http_request", config, "instance-1", "a", "d", "instance-1:a:1", time_left_s)
    return await HttpRequest(client).perform(request)


async def failed(client: HttpClient, **config: Any) -> tuple[str, bool, str]:
    with pytest.raises(ActionError) as error:
        await perform(client, **config)
    assert len(str(error.value)) < 800
    return error.value.error_type, error.value.retryable, str(error.value)


async def test_json_goes_out_and_json_comes_back(world: World) -> None:
    body = {"cooling": "on", "t": [1.5, None, "ü"]}
    output = await perform(world.client, url=world.url("tell?a=1"), method="POST", body=body, headers={"X-Plant": 7})
    told = output["body"]
    headers = {name.lower(): value for name, value in told["headers"].items()}
    assert (output["status"], told["method"], told["query"]) == (200, "POST", "a=1")
    assert orjson.loads(told["body"]) == body
    assert output["headers"] == JSON | {"etag": '"7"'}
    assert (headers["content-type"], headers["x-plant"]) == ("application/json", "7")
    assert headers["idempotency-key"] == "instance-1:a:1"
    assert len(world.calls) == 1


async def test_text_goes_out_and_text_comes_back(world: World) -> None:
    assert (await perform(world.client, url=world.url("text")))["body"] == "21 °C"
    assert (await perform(world.client, url=world.url("empty"), method="DELETE"))["status"] == 204
    told = (await perform(world.client, url=world.url("tell"), method="PUT", body="{ not json"))["body"]
    assert told["body"] == "{ not json"
    own = {"content-type": "text/csv", "Idempotency-Key": "mine"}
    told = (await perform(world.client, url=world.url("tell"), method="PUT", body="a,b", headers=own))["body"]
    headers = [(name.lower(), value) for name, value in told["headers"].items()]
    assert [value for name, value in headers if name in own or name == "idempotency-key"] == ["text/csv", "mine"]


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (404, False), (409, False), (408, True), (429, True), (500, True), (503, True)],
)
async def test_a_status_tells_whether_later_may_help(world: World, status: int, retryable: bool) -> None:
    kind, again, message = await failed(world.client, url=world.url(f"status/{status}"))
    assert (kind, again) == (f"http_{status}", retryable)
    assert f"answered {status}: because" in message


async def test_what_is_expected_is_no_failure(world: World) -> None:
    output = await perform(world.client, url=world.url("status/404"), expect=[200, 404])
    assert (output["status"], output["body"]) == (404, "because")
    assert (await failed(world.client, url=world.url("empty"), expect=[200]))[0] == "http_204"
    assert (await perform(world.client, url=world.url("to/302/text"), expect=[302]))["status"] == 302


async def test_what_is_no_answer_is_refused(world: World) -> None:
    assert (await failed(world.client, url=world.url("broken")))[:2] == ("invalid_answer", False)
    assert (await failed(world.client, url=world.url("large")))[:2] == ("answer_too_large", False)


async def test_nobody_there_is_a_reason_to_try_again(world: World) -> None:
    nobody, url = world.nobody
    kind, again, message = await failed(nobody, url=f"{url}?token=secret")
    assert (kind, again) == ("unavailable", True)
    assert "secret" not in message


async def test_redirects_are_followed_some_times(world: World) -> None:
    assert (await perform(world.client, url=world.url("to/302/to/307/text")))["body"] == "21 °C"
    kept = await perform(world.client, url=world.url("to/307/tell"), method="POST", body="x")
    turned = await perform(world.client, url=world.url("to/303/tell"), method="POST", body="x")
    assert [(told["body"]["method"], told["body"]["body"]) for told in (kept, turned)] == [("POST", "x"), ("GET", "")]
    around = "to/302/" * (MAX_REDIRECTS + 1)
    assert (await failed(world.client, url=world.url(f"{around}text")))[:2] == ("redirects", False)


@pytest.mark.parametrize(
    "target",
    [
        "http://10.1.2.3/x",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://0.0.0.0/",
        "http://[::ffff:10.0.0.1]/",
    ],
)
async def test_a_redirect_leads_nowhere_that_is_forbidden(world: World, target: str) -> None:
    kind, again, message = await failed(world.client, url=world.url(f"away?{target}"))
    assert (kind, again) == ("forbidden_address", False)
    assert "WEIR_HTTP_ALLOW" in message


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://me:secret@127.0.0.1/", "ftp://127.0.0.1/"])
async def test_a_redirect_is_checked_like_the_url(world: World, target: str) -> None:
    kind, again, message = await failed(world.client, url=world.url(f"away?{target}"))
    assert (kind, again) == ("redirects", False)
    assert "secret" not in message


@pytest.mark.parametrize(
    "config",
    [
        {"url": "file:///etc/passwd"},
        {"url": "http://"},
        {"url": "http://me:secret@127.0.0.1/"},
        {"url": "http://127.0.0.1:port/"},
        {"url": "http://127.0.0.1/a b"},
        {"url": "http://127.0.0.1\\@evil/"},
        {"url": 5},
        {"url": "http://127.0.0.1/", "method": "TRACE"},
        {"url": "http://127.0.0.1/", "headers": {"Host": "evil"}},
        {"url": "http://127.0.0.1/", "headers": {"A": "b\r\nC: d"}},
        {"url": "http://127.0.0.1/", "headers": {"A\n": "b"}},
        {"url": "http://127.0.0.1/", "headers": [1]},
        {"url": "http://127.0.0.1/", "body": "x" * 1_100_000},
        {"url": "http://127.0.0.1/", "expect": [200.5]},
    ],
)
async def test_what_cannot_be_asked_is_refused_for_good(world: World, config: dict[str, Any]) -> None:
    kind, again, message = await failed(world.client, **config)
    assert (kind, again) == ("invalid_config", False)
    assert "secret" not in message
    assert world.calls == []


# ---- what only a real client can get wrong


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"])
async def test_the_loopback_address_is_refused_however_it_is_written(host: str) -> None:
    calls: list[HttpCall] = []
    async with serving(calls) as port, client(Allowed()) as real:
        kind, again, _ = await failed(real, url=f"http://{host}:{port}/tell")
    assert (kind, again) == ("forbidden_address", False)
    assert calls == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "127.0.0.1."])
async def test_an_address_in_another_spelling_reaches_nobody(host: str) -> None:
    calls: list[HttpCall] = []
    async with serving(calls) as port, client(Allowed()) as real:
        kind, _, _ = await failed(real, url=f"http://{host}:{port}/tell")
    assert kind in {"invalid_config", "forbidden_address"}
    assert calls == []


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.example", "."])
async def test_a_host_that_cannot_be_looked_up_is_refused_for_good(host: str) -> None:
    async with client(Allowed()) as real:
        kind, again, message = await failed(real, url=f"http://{host}/tell")
    assert (kind, again) == ("invalid_config", False)
    assert host in message


async def test_a_name_is_judged_by_the_address_that_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolves to a public address when it is looked at, and to the plant's when it is used."""
    calls: list[HttpCall] = []
    answers = ["93.184.216.34", "127.0.0.1"]

    async def resolve(*_: Any, **__: Any) -> list[Any]:
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    async with serving(calls) as port, client(Allowed()) as real:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
        await resolve()  # whoever checked before connecting has seen the public one
        kind, _, _ = await failed(real, url=f"http://rebinding.example:{port}/tell")
    assert kind == "forbidden_address"
    assert calls == []


async def test_a_host_that_the_settings_name_may_be_reached() -> None:
    calls: list[HttpCall] = []
    async with serving(calls) as port, client(Allowed.parse("localhost")) as real:
        assert (await perform(real, url=f"http://localhost:{port}/text"))["body"] == "21 °C"
        assert (await failed(real, url=f"http://127.0.0.1:{port}/text"))[0] == "forbidden_address"


async def test_a_proxy_of_the_environment_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:24994")
    calls: list[HttpCall] = []
    async with serving(calls) as port, client() as real:
        assert (await perform(real, url=f"http://127.0.0.1:{port}/text"))["status"] == 200


async def test_secrets_do_not_follow_to_another_origin() -> None:
    headers = {"Authorization": "Bearer token", "Cookie": "a=b", "X-Key": "7", "Accept": "text/plain"}
    here: list[HttpCall] = []
    there: list[HttpCall] = []
    async with serving(here) as first, serving(there) as second, client() as real:
        url = f"http://127.0.0.1:{first}/away?http://127.0.0.1:{second}/tell"
        await perform(real, url=url, headers=headers)
    assert {"authorization", "cookie", "x-key", "accept"} <= here[0].headers.keys()
    assert {"authorization", "cookie", "x-key"} & there[0].headers.keys() == set()
    assert there[0].headers["accept"] == "text/plain"
    assert there[0].headers["idempotency-key"] == here[0].headers["idempotency-key"]


@pytest.mark.parametrize("status", [307, 308])
async def test_a_body_does_not_follow_to_another_origin(status: int) -> None:
    here: list[HttpCall] = []
    there: list[HttpCall] = []
    async with serving(here) as first, serving(there) as second, client() as real:
        away = f"http://127.0.0.1:{second}/tell"
        url = f"http://127.0.0.1:{first}/move/{status}?{away}"
        kind, again, message = await failed(real, url=url, method="POST", body={"token": "hidden"})
        assert (kind, again, there) == ("redirects", False, [])
        assert message.endswith(
            f"redirects to http://127.0.0.1:{second}: what it was sent may hold a secret, and does not follow there"
        )
        assert (await perform(real, url=url))["status"] == 200


@pytest.mark.parametrize(
    ("to", "follows"), [("https://h/x", True), ("http://h:81/x", False), ("https://other/x", False)]
)
def test_a_body_follows_to_the_same_host_by_tls(to: str, follows: bool) -> None:
    call = HttpCall("POST", "http://h/x", {}, b"hidden", "h", "http://h/x")
    answer = HttpAnswer(308, {"location": to}, b"")
    if follows:
        assert redirected(call, answer).body == b"hidden"
    else:
        with pytest.raises(ActionError, match="does not follow there"):
            redirected(call, answer)


async def test_tls_is_verified() -> None:
    ca, other = trustme.CA(), trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(server)
    trusting, doubting = ssl.create_default_context(), ssl.create_default_context()
    ca.configure_trust(trusting)
    other.configure_trust(doubting)
    async with serving([], server) as port:
        async with client(LOOPBACK, trusting) as real:
            assert (await perform(real, url=f"https://127.0.0.1:{port}/text"))["status"] == 200
        async with client(LOOPBACK, doubting) as real:
            assert (await failed(real, url=f"https://127.0.0.1:{port}/text"))[:2] == ("tls", False)


async def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    done = asyncio.Event()
    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with client() as real:
        kind, again, message = await failed(real, url=url, time_left_s=0.5)
    assert (kind, again) == ("unavailable", True)
    assert "did not answer within" in message
    done.set()
    server.close()
    await server.wait_closed()
