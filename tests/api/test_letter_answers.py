"""Answers to tasks in records that could not be used: whoever may not see a task does not find them there either."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from tests.api.test_missed import Gateway
from weir.api.auth.principal import Principal
from weir.api.following.answers import record_shown_to
from weir.api.routes import dead_letters
from weir.letters.letter import Letter, Place

VIEWER = Principal(id="v", name="v", kind="user", scopes=frozenset({"processes:view"}))
OPERATOR = Principal(id="o", name="o", kind="user", scopes=frozenset({"processes:view", "tasks:assign"}))
COMMAND = b'{"type":"complete_task","task_id":"x:1","answers":{"pin":1234},"foo":1}'


@pytest.mark.parametrize(
    "value",
    [
        COMMAND,
        b'{"type":"complete_task","\\u0061nswers":{"pin":1234}}',
        b'{"v":1,"type":"task_completed","data":{"user":"ann","answers":{"pin":1234}}}',
        COMMAND[:-4],
        b"\xff" + COMMAND,
    ],
)
def test_answers_are_for_those_who_see_all_tasks(value: bytes) -> None:
    shown = record_shown_to(VIEWER, value)
    assert shown is not None
    assert b"1234" not in shown
    assert record_shown_to(OPERATOR, value) == value


@pytest.mark.parametrize(
    "value", [None, b"", b"{", b"[1]", b'{"tags": {},  "fields": {"answers": 7}}', b'{"data": [1]}']
)
def test_what_has_none_is_shown_as_it_is(value: bytes | None) -> None:
    assert record_shown_to(VIEWER, value) == value


@pytest.mark.parametrize(("who", "pin"), [(VIEWER, False), (OPERATOR, True)])
async def test_a_dead_letter(monkeypatch: pytest.MonkeyPatch, who: Principal, pin: bool) -> None:
    one = Letter(Place(0, 1), None, b"k", COMMAND, len(COMMAND), "Not a command")

    class Log:
        async def settled(self, _: object) -> dict[str, Any]:
            return {}

    @asynccontextmanager
    async def opened(_: object) -> AsyncIterator[Log]:
        yield Log()

    async def find(*_: object) -> list[Letter]:
        return [one]

    async def whole(*_: object) -> Letter:
        return one

    monkeypatch.setattr(dead_letters, "opened", opened)
    monkeypatch.setattr(dead_letters, "find", find)
    monkeypatch.setattr(dead_letters, "whole", whole)
    answer = await dead_letters.letter("0:1", Gateway(1).request, who)
    value = msgspec.json.decode(answer.body)["value"]
    assert ("1234" in value, "complete_task" in value) == (pin, True)
