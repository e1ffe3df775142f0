"""Bringing the stage up: services' ends, topics, schema, and every role in an interpreter of its own."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from ruamel.yaml import YAML

from streams.ready import VARIABLE as READY_FILE
from streams.settings import Settings
from streams.topics import apply_topics, load_topics
from tests.roles import Role, environment
from tests.scenarios.ends import opened as ends_of
from tests.scenarios.stage import PARTITIONS, Stage
from tests.site import TOPICS
from weir.database import bring_up_to_date

ROLES = (
    "projections.app",
    "streams.agents.processor",
    "streams.agents.actions",
    "streams.agents.router",
    "streams.mqtt_bridge",
)
ROUTER, ACTIONS = ROLES[3], ROLES[2]
KEPT = {
    "message.timestamp.type": "CreateTime",
    "message.timestamp.after.max.ms": 2**63 - 1,
    "retention.ms": -1,
    "max.message.bytes": 1_048_576,
}
LOOKS_OFTEN = "from streams.transport import alarm; alarm.CLOCK_LOOK_S = 0.02"
"""A processor looks once a second whether its clock was set; here that happens all the time."""


@asynccontextmanager
async def opened(settings: Settings, folder: Path, begins_ms: int) -> AsyncIterator[tuple[Stage, Role]]:
    """A plant that begins at ``begins_ms``, and its router."""
    async with AsyncExitStack() as stack:
        ends = await stack.enter_async_context(ends_of(settings, folder))
        own = settings.model_copy(update={"topics_file": _topics(settings, folder), "partitions": PARTITIONS})
        topics = load_topics(own)
        await asyncio.gather(apply_topics(own, topics), bring_up_to_date(own))
        stage = Stage(own, topics, ends, folder, begins_ms)
        await stage.start(stack)
        roles = {module: await stack.enter_async_context(_running(module, stage, folder)) for module in ROLES}
        for role in roles.values():
            await role.works()
        await roles["streams.mqtt_bridge"].said("carrying MQTT messages")
        yield stage, roles[ROUTER]
        for role in roles.values():
            await role.stop()


@asynccontextmanager
async def _running(module: str, stage: Stage, folder: Path) -> AsyncIterator[Role]:
    """A role in an interpreter of its own: the clock must be there before anything is imported."""
    settings, extra = stage.settings, dict(stage.environment)
    if module == ACTIONS:
        settings = settings.model_copy(update={"mqtt_url": f"mqtt://127.0.0.1:{stage.ends.network.port}"})
        extra["WEIR_CHANNELS_FILE"] = str(stage.ends.channels)
    log, ready = folder / f"{module}.log", folder / f"{module}.ready"
    code = f"{LOOKS_OFTEN}; from streams.settings import Settings; from {module} import run; run(Settings())"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-c", code),
            env={**environment(settings), **extra, READY_FILE: str(ready)},
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        yield Role(process, log, ready)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _topics(settings: Settings, folder: Path) -> Path:
    """The project's topics: the engine's under our name, and records as old as who wrote them says."""
    yaml, path = YAML(), folder / "topics.yaml"
    content = yaml.load(TOPICS.read_text())
    for entry in content["engine"].values():
        entry["name"] = entry["name"].replace("process-", f"{settings.app_id}-process-")
        entry["config"] = KEPT | {name: value for name, value in entry["config"].items() if name == "cleanup.policy"}
    content["telemetry"] = {
        name: {**entry, "partitions": 1, "config": KEPT}
        for name, entry in content["telemetry"].items()
        if name not in {"positions", "messages", "station-events"}
    }
    with path.open("w") as file:
        yaml.dump(content, file)
    return path
