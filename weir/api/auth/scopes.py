"""What can be allowed, and the roles that name sets of it."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

ScopeName = Literal[
    "processes:view",
    "processes:create",
    "processes:execute",
    "tasks:view",
    "tasks:work",
    "tasks:assign",
    "admin",
]

SCOPES: Mapping[ScopeName, str] = MappingProxyType(
    {
        "processes:view": "See definitions, instances, history and statistics",
        "processes:create": "Deploy and change definitions and templates",
        "processes:execute": "Start, signal, suspend, resume, cancel, retry, migrate; dead letters",
        "tasks:view": "See one's own tasks",
        "tasks:work": "Claim, give back, delegate and complete them",
        "tasks:assign": "See all tasks, give them to anybody, and say how urgent they are",
        "admin": "Everything; API keys and the audit log",
    }
)
"""By name, what it allows."""

_VIEWER: frozenset[ScopeName] = frozenset({"processes:view", "tasks:view"})
ROLES: Mapping[str, frozenset[ScopeName]] = MappingProxyType(
    {
        "viewer": _VIEWER,
        "operator": _VIEWER | {"processes:execute", "tasks:work", "tasks:assign"},
        "author": _VIEWER | {"processes:create", "processes:execute"},
        "admin": frozenset(SCOPES),
    }
)


def known_scopes(names: Iterable[str]) -> frozenset[ScopeName]:
    """Those of ``names`` that are scopes: an issuer's token may carry others, which allow nothing here."""
    wanted = set(names)
    return frozenset(scope for scope in SCOPES if scope in wanted)


def scopes_of_roles(roles: Iterable[str]) -> frozenset[ScopeName]:
    """What ``roles`` allow together; unknown ones allow nothing."""
    return frozenset[ScopeName]().union(*(ROLES.get(role, frozenset()) for role in roles))
