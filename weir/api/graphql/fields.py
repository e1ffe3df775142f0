"""Fields of a type: those of a struct that ``projections.queries`` tells, and those that ask for more, with a scope."""

import inspect
import types
from collections.abc import Callable
from typing import Any, TypeVar, Union, get_args, get_origin
from uuid import UUID

import msgspec
import strawberry
from strawberry.permission import BasePermission
from strawberry.scalars import JSON

from weir.api.auth.scopes import ScopeName
from weir.api.auth.security import forbidden

C = TypeVar("C", bound=type)


def shows(struct: type[msgspec.Struct]) -> Callable[[C], C]:
    """A class decorator: a GraphQL type with the struct's fields beside its own.  Its values are such structs."""

    def decorate(cls: C) -> C:
        own = {one.name: _shown(one.name, one.type) for one in msgspec.structs.fields(struct)}
        cls.__annotations__ = own | inspect.get_annotations(cls)
        made: C = strawberry.type(cls, description=_paragraph(cls.__doc__ or struct.__doc__ or ""))
        return made

    return decorate


def field(scope: ScopeName, shown: Any, description: str) -> Callable[[Callable[..., Any]], Any]:
    """A resolver's decorator: whoever asks for the field needs ``scope``; its value is shown as ``shown``."""
    made: Callable[[Callable[..., Any]], Any] = strawberry.field(
        graphql_type=shown, description=f"{description}  Needs `{scope}`.", permission_classes=[PERMISSIONS[scope]]
    )
    return made


def _permission(scope: ScopeName) -> type[BasePermission]:
    class Needs(BasePermission):
        needed = scope

        def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:  # noqa: ARG002  inherited
            if not info.context.who.may(scope):
                raise forbidden(info.context.who, scope)
            return True

    return Needs


_WITH_FIELDS: tuple[ScopeName, ...] = ("processes:view", "tasks:view")
PERMISSIONS = {scope: _permission(scope) for scope in _WITH_FIELDS}


def _shown(name: str, kind: Any) -> Any:
    """The GraphQL type of a struct's field."""
    if get_origin(kind) in (Union, types.UnionType):
        (inner,) = (one for one in get_args(kind) if one is not type(None))
        return _shown(name, inner) | None
    if kind is UUID or name == "id":
        return strawberry.ID
    if kind is int and name.endswith("_ms"):
        return float  # an Int of GraphQL has 32 bits: 24 days
    return JSON if kind is Any or get_origin(kind) is dict else kind


def _paragraph(text: str) -> str:
    return " ".join(text.split())
