"""``script``: the source in a process of its own, within limits (``streams.sandbox``)."""

import asyncio
import os
from typing import Any

from streams.actions.base import ActionError, ActionRequest, Effect, invalid_config, text_of
from streams.actions.mqtt_publish import SHARE_OF_TIME
from streams.sandbox.runner import Failed, Script, run


class RunScript:
    """Config: ``source`` (Python), ``input`` (any JSON).  The output is what the source leaves in ``output``."""

    def __init__(self, *, confined: bool) -> None:
        """``confined``: refuse to run a script where the kernel cannot filter its system calls."""
        self._confined = confined
        self._room = asyncio.Semaphore(os.cpu_count() or 1)

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        script = Script(text_of(request.config, "source"), request.config.get("input"), confined=self._confined)
        loop = asyncio.get_running_loop()
        end = loop.time() + request.time_left_s * SHARE_OF_TIME
        async with self._room:
            if (left_s := end - loop.time()) <= 0:
                raise ActionError("Too many scripts run here: no time is left", "unavailable")
            try:
                output = await run(script, left_s)
            except Failed as error:
                raise ActionError(f"The script failed: {error}", f"script_{error.kind}") from None
            except TypeError as error:
                raise invalid_config(f"Expected an input that JSON can hold, but got: {error}") from None
        if not isinstance(output, dict):
            raise ActionError(
                f"Expected the script to set 'output' to an object, but got {type(output).__name__}",
                "script_output",
            )
        return output

    def dry_run(self, request: ActionRequest) -> Effect:
        source, given = text_of(request.config, "source"), request.config.get("input")
        lines = len(source.splitlines())
        return Effect(f"runs {lines} line{'' if lines == 1 else 's'} of Python", {"source": source, "input": given})
