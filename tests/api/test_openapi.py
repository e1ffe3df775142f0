"""The OpenAPI document is whole: every reference leads somewhere, every example fits, every problem is told."""

import json
import re
from typing import Any

import httpx
import jsonschema
import pytest
from fastapi import FastAPI

from streams.settings import Settings
from tests.site import TOPICS
from weir.api.app import make_api


@pytest.fixture(scope="module")
def app() -> FastAPI:
    found: Any = make_api(Settings(_env_file=None, topics_file=TOPICS))
    while not isinstance(found, FastAPI):
        found = found._app
    return found


@pytest.fixture(scope="module")
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    wanted = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert wanted <= document["components"]["schemas"].keys()
    assert "HTTPValidationError" not in wanted


def test_every_operation_says_what_it_does_and_what_may_go_wrong(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation.get("description"), name
        assert operation["tags"], name
        problems = {"401", "403", "422", "503"} | ({"409", "415"} if name.startswith("post") else set())
        assert problems <= operation["responses"].keys(), name
        for status in problems:
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"], name


def test_what_is_done_to_an_instance_can_be_waited_for(document: dict[str, Any]) -> None:
    commands = [
        (name, operation)
        for name, operation in operations(document)
        if re.fullmatch(r"post /(processes/\{instance_id\}/.*|signals|messages)", name)
    ]
    assert len(commands) > 5
    for name, operation in commands:
        assert "wait" in {one["name"] for one in operation["parameters"]}, name
        assert operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/Done"), name


def test_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    checked = 0
    for name, operation in operations(document):
        for answer in operation["responses"].values():
            for content in answer.get("content", {}).values():
                if "example" in content:
                    schema = {**content["schema"], "components": document["components"]}
                    jsonschema.Draft202012Validator(schema).validate(content["example"]), name
                    checked += 1
    assert checked > 40


async def test_the_page_needs_no_other_host(app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://weir") as client:
        page = await client.get("/docs")
        assert page.status_code == 200
        assert re.findall(r"https?://", page.text) == []
        for part in ("swagger-ui-bundle.js", "swagger-ui.css"):
            assert part in page.text
            assert len((await client.get(f"/docs/{part}")).content) > 100_000
