"""Templates that people have saved, and how many processes were made of each template, saved or not."""

from datetime import datetime

import asyncpg
import msgspec

COLUMNS = "id, name, description, category, template_data, created_by, created_at, updated_at, is_public"
_USES = """
    SELECT origin ->> 'template' AS template, count(DISTINCT id) AS count FROM process_definitions
    WHERE origin ->> 'template' IS NOT NULL GROUP BY origin ->> 'template'
"""


class SavedTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """``template_data`` is its YAML; what is not ``is_public`` only ``created_by`` and administrators see."""

    id: str
    name: str
    description: str | None
    category: str | None
    template_data: str
    created_by: str
    created_at: datetime
    updated_at: datetime
    is_public: bool


async def saved_templates(connection: asyncpg.Connection) -> list[SavedTemplate]:
    """All of them, by id."""
    rows = await connection.fetch(f"SELECT {COLUMNS} FROM saved_templates ORDER BY id")  # noqa: S608  constants
    return [SavedTemplate(**row) for row in rows]


async def saved_template(connection: asyncpg.Connection, id_: str) -> SavedTemplate | None:
    """One; ``None`` when there is none."""
    row = await connection.fetchrow(f"SELECT {COLUMNS} FROM saved_templates WHERE id = $1", id_)  # noqa: S608  constants
    return None if row is None else SavedTemplate(**row)


async def template_uses(connection: asyncpg.Connection) -> dict[str, int]:
    """How many processes were made of each template, by its id."""
    return {row["template"]: row["count"] for row in await connection.fetch(_USES)}
