"""``projection_positions``: the only place that reads and writes it."""

import asyncpg

from projections.errors import TopicRecreatedError


async def begin(
    connection: asyncpg.Connection, topic: str, topic_id: str | None, partitions: list[int]
) -> dict[int, int]:
    """The positions of ``partitions``, 0 for those never projected: their rows are made here, to be locked later.

    ``topic_id`` is ``None`` when the broker knows no ids of topics.  Raises ``TopicRecreatedError``.
    """
    known = {row["topic_id"] for row in await connection.fetch(_IDS, topic)}
    if known and topic_id is not None and topic_id not in known:
        if known != {""}:
            raise TopicRecreatedError(
                f"Expected topic {topic} with the id {' or '.join(sorted(known))}, as projected so far, but it has "
                f"{topic_id}: it was deleted and created anew. What the database holds of it does not follow from this "
                "topic. To project the new one after the old, delete the rows of the topic from projection_positions"
            )
        await connection.execute("UPDATE projection_positions SET topic_id = $2 WHERE topic = $1", topic, topic_id)
    identity = topic_id if topic_id is not None else max(known, default="")
    found = {row["partition"]: row["position"] for row in await connection.fetch(_READ, topic, identity, partitions)}
    if missing := [partition for partition in partitions if partition not in found]:
        # Only these: ON CONFLICT would wait for whoever is moving one of the others.
        await connection.execute(_INSERT, topic, identity, missing)
        found |= dict.fromkeys(missing, 0)
    return found


async def move(connection: asyncpg.Connection, topic: str, partition: int, old: int, new: int) -> bool:
    """Move the position of a partition if it is ``old``; whether it was.  Locks the row until the transaction ends."""
    return bool(await connection.fetchval(_MOVE, topic, partition, old, new))


async def read(connection: asyncpg.Connection, topic: str, partition: int) -> int | None:
    """The position of one partition."""
    position: int | None = await connection.fetchval(_POSITION, topic, partition)
    return position


_IDS = "SELECT DISTINCT topic_id FROM projection_positions WHERE topic = $1"
_INSERT = """
    INSERT INTO projection_positions (topic, topic_id, partition, position)
    SELECT $1, $2, partition, 0 FROM unnest($3::int[]) AS new (partition)
    ON CONFLICT DO NOTHING
"""
_READ = """
    SELECT partition, position FROM projection_positions
    WHERE topic = $1 AND topic_id = $2 AND partition = ANY ($3::int[])
"""
_POSITION = "SELECT max(position) FROM projection_positions WHERE topic = $1 AND partition = $2"
_MOVE = """
    UPDATE projection_positions SET position = $4 WHERE topic = $1 AND partition = $2 AND position = $3 RETURNING true
"""
