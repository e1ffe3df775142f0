"""What was answered is counted, also where the server answers for the application."""

from types import SimpleNamespace

import pytest
from starlette.types import Receive, Scope, Send

from weir.api.counting import Counting, Counts


@pytest.mark.parametrize("begun", [True, False])
async def test_a_mistake_of_ours_is_counted_once(begun: bool) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = SimpleNamespace(path="/signals")
        if begun:
            await send({"type": "http.response.start", "status": 500, "headers": []})
        raise ZeroDivisionError

    async def send(_: object) -> None: ...

    counts = Counts()
    with pytest.raises(ZeroDivisionError):
        await Counting(app, counts)({"type": "http"}, None, send)  # type: ignore[arg-type]
    assert dict(counts.answered) == {("/signals", "500"): 1}
    assert counts.took["/signals"].count == 1
