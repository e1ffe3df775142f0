"""``http_request``: ask or tell an HTTP service."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.scalars import SecretJson, SecretText

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]


class HttpRequestConfig(ActionConfig):
    """``body`` goes out as it is when it renders to a text, as JSON otherwise.

    ``expect`` are the statuses that count as success, any from 200 to 299 by default.
    """

    url: SecretText
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    headers: Annotated[dict[HeaderName, SecretText], Field(max_length=50)] = Field(default_factory=dict)
    body: SecretJson = None
    expect: Annotated[list[Annotated[int, Field(ge=200, le=599)]], Field(max_length=50)] | None = None

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        literal = url.partition("${")[0]
        if literal and not re.match(r"https?://", literal):
            raise PydanticCustomError(
                "http_url", "Expected a URL with http:// or https://, but got {url}", {"url": repr(url)}
            )
        if "@" in literal.partition("://")[2].partition("/")[0]:
            raise PydanticCustomError(
                "http_url",
                "Expected a URL without user and password",
                {"fix": "Write a header, Authorization: Basic ${secrets.name}", "url": repr(url)},
            )
        return url


HTTP_REQUEST = ActionSpec("http_request", HttpRequestConfig, inline=False)
