"""Who asks."""

from typing import Literal

import msgspec

from weir.api.auth.scopes import SCOPES, ScopeName


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """``id`` is the user's of tasks, and what the audit log names; ``groups`` are those of candidates of tasks."""

    id: str
    name: str
    kind: Literal["api_key", "user", "anonymous"]
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    scopes: frozenset[ScopeName] = frozenset()

    def may(self, scope: ScopeName) -> bool:
        """Whether ``scope`` is allowed; ``admin`` allows all."""
        return scope in self.scopes or "admin" in self.scopes


ANYBODY = Principal(
    id="anonymous", name="anonymous", kind="anonymous", roles=frozenset({"admin"}), scopes=frozenset(SCOPES)
)
"""Everybody, where nobody is asked who they are (``WEIR_API_AUTH=off``)."""
