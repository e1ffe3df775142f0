"""Which instances?  What lists, counts and bulk operations share."""

import re
from datetime import datetime
from typing import Any

import msgspec

from projections.statements import Parameter, conditions_of, containing
from streams.core.state import InstanceStatus

_INDEXED = re.compile(r"[^\W_]{3}|[\W_][^\W_]|[^\W_]{2}[\W_]")
"""What ``pg_trgm`` makes a trigram of: three letters or digits, or fewer with a word's begin or end among them."""


class Variable(msgspec.Struct, frozen=True):
    """A variable, or a part of it, that has one of ``values`` (JSON); ``path``: names, and places in lists."""

    path: tuple[str, ...]
    values: tuple[str, ...]


class InstanceFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is given must hold; with several of ``status`` one of them.

    ``reference`` is a part of it, in whatever case.  ``started_from`` and ``ended_from`` are inclusive, ``started_to``
    and ``ended_to`` are not; both are plant time.
    """

    status: tuple[InstanceStatus, ...] = ()
    definition_id: str | None = None
    version: int | None = None
    key: str | None = None
    reference: str | None = None
    variables: tuple[Variable, ...] = ()
    started_from: datetime | None = None
    started_to: datetime | None = None
    ended_from: datetime | None = None
    ended_to: datetime | None = None

    def needs_start(self) -> str | None:
        """The condition for which all chunks would be read, unless ``started_from`` bounds them; no index has it."""
        if self.started_from is not None:
            return None
        if self.variables:
            return "variable"
        if self.reference is not None and self.key is None and not _INDEXED.search(self.reference):
            return "a reference of fewer than three characters"
        return "ended_from" if self.ended_from is not None else "ended_to" if self.ended_to is not None else None

    @property
    def by_counts(self) -> bool:
        """Whether it asks for nothing but what the projector counts by: status, definition, version, start."""
        others = (self.key, self.reference, self.ended_from, self.ended_to)
        return not self.variables and all(value is None for value in others)

    def conditions(self, parameter: Parameter) -> list[str]:
        """In SQL, but for ``status``."""
        wanted: list[tuple[str, Any]] = [
            ("definition_id = {}", self.definition_id),
            ("definition_version = {}", self.version),
            ("business_key = {}", self.key),
            ("reference ILIKE {}", None if self.reference is None else containing(self.reference)),
            ("started_at >= {}", self.started_from),
            ("started_at < {}", self.started_to),
            ("completed_at >= {}", self.ended_from),
            ("completed_at < {}", self.ended_to),
            ("started_at <= {}", self.ended_to),  # nothing ends before it starts, and this excludes chunks
        ]
        found = conditions_of(wanted, parameter)
        for variable in self.variables:
            path, values = parameter(list(variable.path)), parameter(list(variable.values))
            found.append(f"variables #> {path}::text[] = ANY ({values}::text[]::jsonb[])")
        return found


def selects(wanted: InstanceFilter, columns: str, conditions: list[str], parameter: Parameter, tail: str) -> str:
    """``SELECT columns`` with all conditions and ``tail`` behind each; for several statuses one SELECT each, since an
    index gives the rows of one in their order, but of several only all of them.
    """
    each: list[str | None] = [*dict.fromkeys(wanted.status)] or [None]
    found = []
    for status in each:
        all_of = [*([] if status is None else [f"status = {parameter(status)}"]), *conditions]
        where = f"WHERE {' AND '.join(all_of)}" if all_of else ""
        found.append(f"SELECT {columns} FROM process_instances {where} {tail}")  # noqa: S608  columns and parameters
    return found[0] if len(found) == 1 else " UNION ALL ".join(f"({one})" for one in found)
