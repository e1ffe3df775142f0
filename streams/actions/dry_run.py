"""What an action of a definition would do, with these values: nothing is reached, nothing is changed.

For ``weir actions dry-run`` and for tests of definitions.  Secrets are not filled in.
"""

from collections.abc import Mapping
from typing import Any

from streams.actions import performers
from streams.actions.base import ActionRequest, Effect
from streams.actions.channels import load_channels
from streams.actions.connections import Connections, fake_connections
from streams.actions.databases import FakeDatabases
from streams.core.activities import ServiceNode
from streams.settings import Settings
from streams.topics import Topics

INSTANCE = "00000000-0000-8000-8000-000000000000"
"""Stands for the instance's id."""


def dry_connections(settings: Settings, topics: Topics) -> Connections:
    """Fakes that know the names of the plant: its topics, databases and channels.  Raises ``ChannelsError``."""
    return fake_connections(topics.telemetry)._replace(
        databases=FakeDatabases(lambda _: [], tuple(settings.databases)),
        channels=load_channels(settings.channels_file),
    )


def dry_run(node: ServiceNode, variables: Mapping[str, Any], definition_id: str, connections: Connections) -> Effect:
    """What entering ``node`` would do.

    Raises ``ExpressionError`` for values that the config cannot be filled in with, ``ActionError`` for a config that
    cannot be carried out then.
    """
    config = node.config.render(variables)
    if node.inline:
        return Effect("writes a line to the history", config)
    key = f"{INSTANCE}:{node.id}:1"
    request = ActionRequest(node.action, config, INSTANCE, node.id, definition_id, key, node.timeout_ms / 1000)
    return performers(connections)[node.action].dry_run(request)
