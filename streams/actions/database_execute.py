"""``database_execute``: change rows of a database, once however often it is performed."""

from typing import Any

from streams.actions.base import ActionRequest, Effect
from streams.actions.database_query import call_of, effect_of
from streams.actions.databases import Databases
from streams.actions.mqtt_publish import SHARE_OF_TIME
from streams.core.actions.database_execute import VERBS


class DatabaseExecute:
    """Config: ``statement``, ``params`` (an object for ``:name``, a list for ``$1``), ``database`` (a name of
    WEIR_DATABASES).

    The output is ``count``, the rows that were changed, and ``rows``, those of a ``RETURNING``.
    """

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        call = call_of(request.config, "statement", VERBS)
        time_left_s = request.time_left_s * SHARE_OF_TIME
        result = await self._databases.execute(call, request.idempotency_key, time_left_s)
        return {"count": result.count, "rows": result.rows}

    def dry_run(self, request: ActionRequest) -> Effect:
        call = call_of(request.config, "statement", VERBS)
        self._databases.check(call.database)
        return effect_of("changes rows of", call, request.config["statement"])
