"""Definitions over HTTP: deployed as they are written, activated and deactivated."""

from pathlib import Path

import httpx
import pytest

from projections import app as projector
from streams.agents import processor
from streams.settings import Settings
from streams.topics import Topics
from tests.api.inside import inside, settings_of
from tests.roles import running

TEXT = """# Says hello.
id: hello
version: {version}
trigger: {{type: api}}
activities:
  - {{id: say, type: service, action: log, message: "{message}"}}
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id: [", "<text>:"),
        (TEXT.format(version=1, message="${who}"), "Unknown variable 'who'"),
        (TEXT.format(version=1, message="x").replace("log", "lag"), "Unknown action 'lag'"),
    ],
)
async def test_a_mistake_is_told_with_its_line(text: str, said: str) -> None:
    async with inside(settings_of(api_auth="off")) as api:
        answer = await api.post("/definitions", json={"text": text})
        dry = await api.post("/definitions", json={"text": text}, params={"dry_run": True})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid_definition")
    assert dry.json() == answer.json()
    (error,) = answer.json()["errors"]
    assert error["field"] == "body.text"
    assert said in error["message"], error


async def test_each_mistake_has_its_own_fix() -> None:
    text = "id: x\ntrigger: {type: redpander}\nactivities: [{id: a, type: timer, duration: 5}, {id: b, type: timr}]\n"
    async with inside(settings_of(api_auth="off")) as api:
        answer = await api.post("/definitions", json={"text": text})
    found = answer.json()
    fixes = ["Did you mean 'redpanda'?", "Correct the text.", "Did you mean 'timer'?"]
    assert [one["fix"] for one in found["errors"]] == fixes
    assert found["fix"] == fixes[0]


async def test_versions_come_and_go(api: httpx.AsyncClient, site: tuple[Settings, Topics], tmp_path: Path) -> None:
    settings, _ = site
    async with running(processor.__name__, settings, tmp_path), running(projector.__name__, settings, tmp_path):
        first = TEXT.format(version=1, message="hello")
        dry = await api.post("/definitions", json={"text": first}, params={"dry_run": True})
        assert (dry.status_code, dry.json()["outcome"], dry.json()["warnings"]) == (200, "valid", []), dry.text
        assert (await api.get("/definitions")).json() == []
        for outcome in ("deployed", "unchanged"):
            deployed = await api.post("/definitions", json={"text": first})
            assert (deployed.status_code, deployed.json()["outcome"]) == (200, outcome), deployed.text
        shown = (await api.get("/definitions/hello")).json()
        assert (shown["version"], shown["hash"], shown["source"]) == (1, deployed.json()["hash"], first)
        assert shown["origin"]["by"] == "admin"
        diagram = await api.get("/definitions/hello/bpmn", params={"version": 1})
        assert (diagram.status_code, diagram.headers["content-type"]) == (200, "application/xml")
        assert 'name="say"' in diagram.text
        assert (await api.get("/definitions/hello/bpmn", params={"version": 9})).status_code == 404
        other = await api.post("/definitions", json={"text": TEXT.format(version=1, message="bye")})
        assert (other.status_code, other.json()["type"]) == (409, "/problems/version_exists")
        nowhere = first.replace("{type: api}", "{type: redpanda, topic: nowhere}").replace("1", "2")
        for query in ({}, {"dry_run": True}):
            refused = await api.post("/definitions", json={"text": nowhere}, params=query)
            assert (refused.status_code, refused.json()["type"]) == (422, "/problems/undeclared_topic"), refused.text
        second = await api.post("/definitions", json={"text": TEXT.format(version=2, message="bye")})
        assert second.json()["version"] == 2
        assert (await api.get("/definitions/hello")).json()["version"] == 2

        for message in ("activated", "unchanged"):
            back = await api.post("/definitions/hello/activate", json={"version": 1, "reason": "2 is rude"})
            assert back.json() == {"message": message}, back.text
        assert (await api.get("/definitions/hello")).json()["version"] == 1
        for message in ("deactivated", "unchanged"):
            assert (await api.post("/definitions/hello/deactivate", json={})).json() == {"message": message}
        refused = await api.post("/processes/hello/start?wait=5", json={})
        assert refused.status_code == 409, refused.text
        assert (await api.post("/definitions/hello/activate", json={})).json() == {"message": "activated"}
        assert (await api.post("/processes/hello/start?wait=5", json={})).status_code == 200
        for way in ("activate", "deactivate"):
            assert (await api.post(f"/definitions/none/{way}", json={})).status_code == 404
