"""Cursors of lists: where a page ended, as a text that only the gateway understands.

A cursor names the last item of its page rather than a number of items, so that pages fit together however many items
have come or gone meanwhile.  What was counted for the first page travels along.
"""

import base64
import binascii
from collections.abc import Callable
from typing import TypeVar

import msgspec

from weir.api.problems import ProblemError

T = TypeVar("T")


def encode(place: object) -> str:
    """``place``, a struct or a tuple, as a text that fits into a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def decode(text: str, shape: type[T]) -> T:
    """What ``encode`` was given.  Raises ``ProblemError`` (422) for what this gateway has not made."""
    try:
        return msgspec.json.decode(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True), type=shape)
    except (binascii.Error, msgspec.MsgspecError, UnicodeError, ValueError, RecursionError):
        raise wrong_cursor() from None


def page(found: list[T], limit: int, place: Callable[[T], object]) -> tuple[list[T], str | None]:
    """The first ``limit`` of what was found, and the cursor of the next page when there was more.

    ``place`` is where an item stands: what ``decode`` gives back for the next page.
    """
    shown = found[:limit]
    return shown, encode(place(shown[-1])) if len(found) > limit else None


def wrong_cursor() -> ProblemError:
    """422 for what this gateway has not made."""
    message = "Expected a cursor that a page of this list has returned as next_cursor"
    return ProblemError(422, "invalid_request", message, "Begin without a cursor.", errors=[("query.cursor", message)])
