"""A moment in a query is a date and a time: a number is no seconds since 1970, wherever one is asked for."""

import pytest
from fastapi import FastAPI

from tests.api.inside import application, inside, settings_of
from weir.api.app import make_api

ADMIN_KEY = "the key of an administrator, which is long"


def moments() -> list[tuple[str, str]]:
    """(path, parameter) of every question that takes one."""
    app: FastAPI = application(make_api(settings_of()))
    return [
        (path, parameter["name"])
        for path, operations in app.openapi()["paths"].items()
        for parameter in operations.get("get", {}).get("parameters", ())
        if "date-time" in str(parameter["schema"])
    ]


@pytest.mark.parametrize(("path", "name"), moments())
async def test_a_number_is_no_moment(path: str, name: str) -> None:
    async with inside(settings_of(api_admin_key=ADMIN_KEY)) as api:
        answer = await api.get(
            path.replace("{", "").replace("}", ""),
            params={name: "2026"},
            headers={"Authorization": f"Bearer {ADMIN_KEY}"},
        )
    assert answer.status_code == 422, answer.text
    (said,) = [one["message"] for one in answer.json()["errors"] if one["field"] == f"query.{name}"]
    assert said.startswith("Expected a date and time"), said
