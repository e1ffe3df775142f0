"""The kinds of topic that the projector reads, and how bytes of each become items for its tables."""

from projections.feeds import definitions, events, telemetry
from projections.feeds.base import Feed, FeedName

__all__ = ["FEEDS", "Feed", "FeedName"]

FEEDS: dict[FeedName, Feed] = {
    "events": events.FEED,
    "definitions": definitions.FEED,
    "telemetry": telemetry.FEED,
}
