"""The kinds of topic that the projector reads, and how bytes of each become items for its tables."""

from projections.feeds import audit, definitions, events, telemetry
from projections.feeds.base import Feed, FeedName
from streams.topics import Topics

__all__ = ["FEEDS", "Feed", "FeedName", "feeds_of"]

FEEDS: dict[FeedName, Feed] = {
    "events": events.FEED,
    "definitions": definitions.FEED,
    "telemetry": telemetry.FEED,
    "audit": audit.FEED,
}


def feeds_of(topics: Topics) -> dict[str, FeedName]:
    """What each topic that is projected carries."""
    feeds: dict[str, FeedName] = dict.fromkeys(topics.telemetry, "telemetry")
    return feeds | {topics.events.name: "events", topics.definitions.name: "definitions", topics.audit.name: "audit"}
