"""Keeping templates in the database: ``saved_templates``."""

from typing import Literal

import asyncpg

from projections.queries.templates import COLUMNS, SavedTemplate
from streams.core.templates import Template

Replaced = Literal["own", "anybody's"]
_SAVE = f"""
    INSERT INTO saved_templates (id, name, description, category, template_data, created_by, is_public)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING RETURNING {COLUMNS}
"""  # noqa: S608  the columns are constants
_REPLACE = f"""
    INSERT INTO saved_templates (id, name, description, category, template_data, created_by, is_public)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET
        name = excluded.name, description = excluded.description, category = excluded.category,
        template_data = excluded.template_data, is_public = excluded.is_public, updated_at = now()
    WHERE $8 OR saved_templates.created_by = excluded.created_by
    RETURNING {COLUMNS}
"""  # noqa: S608  the columns are constants


async def save(
    connection: asyncpg.Connection, template: Template, *, by: str, is_public: bool, replaces: Replaced | None = None
) -> SavedTemplate | None:
    """The template as it is kept now.  ``None`` when there is one of its id that is not among what it ``replaces``."""
    head = template.head
    row = await connection.fetchrow(
        _SAVE if replaces is None else _REPLACE,
        head.id,
        head.name or head.id,
        head.description,
        head.category,
        template.text,
        by,
        is_public,
        *([] if replaces is None else [replaces == "anybody's"]),
    )
    return None if row is None else SavedTemplate(**row)


async def remove(connection: asyncpg.Connection, id_: str) -> SavedTemplate | None:
    """What was kept; ``None`` when there was none."""
    row = await connection.fetchrow(f"DELETE FROM saved_templates WHERE id = $1 RETURNING {COLUMNS}", id_)  # noqa: S608
    return None if row is None else SavedTemplate(**row)
