"""Tokens and places: which line of execution something belongs to, and where it waits.

A *token* is one line of execution: ``None`` the instance's own, ``<execution>.<number>`` that of a branch, where
``execution`` is that of the activity that owns the branches and ``number`` counts them from 1.  A *place* is where a
token waits, ``<activity id>`` or ``<activity id>@<token>``: the key of ``Instance.waiting``.  No activity id has an @.
"""

from functools import lru_cache


def place_of(activity_id: str, token: str | None) -> str:
    """Where ``token`` waits at an activity."""
    return activity_id if token is None else f"{activity_id}@{token}"


def split_place(place: str) -> tuple[str, str | None]:
    """(activity id, token)."""
    activity_id, _, token = place.partition("@")
    return activity_id, token or None


def branch_token(execution: int | str, number: int) -> str:
    """The token of branch ``number`` of the scope that ``execution`` has opened."""
    return f"{execution}.{number}"


@lru_cache(maxsize=8192)
def scope_of(token: str) -> tuple[str, int]:
    """The scope that a branch's token belongs to, a key of ``Instance.scopes``, and the branch's number."""
    scope, _, number = token.partition(".")
    return scope, int(number)
