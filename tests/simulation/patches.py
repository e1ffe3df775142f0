"""Every name of production code that a run replaces, and why nothing but a replacement reaches it.

What takes its surroundings as arguments is given them (``roles.py``); here stands what makes them by itself.
"""

import asyncio
import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from typing import Any
from unittest.mock import patch

import asyncpg
import msgspec
import structlog

from projections import dead_letters
from streams import bridging, definitions, outbox
from streams.actions import performers as actions_performers
from streams.actions.connections import Opening, fake_connections
from streams.agents import actions, station
from streams.core.definition import ProcessDefinition
from streams.core.parse import validate_definition
from streams.station import relay
from streams.transport import kept
from streams.transport.port import TopicPartition
from tests.simulation import kafka, mqtt
from tests.simulation.clock import Clock
from tests.simulation.kafka_transactions import TransactionalProducer
from tests.simulation.ledger import recorded
from tests.simulation.process import OWNER
from tests.simulation.world import World

RELAYED = 5
"""Records in a transaction of the relay."""
IDLE_MS = "5000"
_cached: dict[bytes, Any] = {}
"""Compiling a definition takes longer than all else in the restart of a role; so does validating one."""
_written: dict[tuple[Any, ...], tuple[ProcessDefinition, Any]] = {}


def _compiled(record: Any, routes: Any) -> Any:
    raw = b"compiled" + msgspec.json.encode(record.definition)  # the routes are the same for all
    if raw not in _cached:
        _cached[raw] = compile_definition(record, routes)
    return _cached[raw]


def _validated(definition: dict[str, Any]) -> Any:
    raw = b"validated" + msgspec.json.encode(definition)
    if raw not in _cached:
        _cached[raw] = validate_definition(definition)
    return _cached[raw]


def _dumped(definition: ProcessDefinition, **options: Any) -> Any:
    """The definition is kept with what it is written as: another one may come to have its number."""
    key = id(definition), *sorted(options.items())
    if key not in _written:
        _written[key] = definition, dump_definition(definition, **options)
    return _written[key][1]


compile_definition = definitions._compile
dump_definition = ProcessDefinition.model_dump
deploy_definition = import_module("streams.core.decide.deploy_definition")  # its package has the function by that name


def _exit(code: int) -> None:
    OWNER.get().exit(f"exit code {code}")


@contextmanager
def patched(world: World) -> Iterator[None]:
    """Production code runs in the world's loop and reaches nothing but what it is given here."""
    broker = world.broker
    clock = Clock(world.loop)
    replaced: list[tuple[Any, str, Any]] = [
        # Those in C ask for the number of the process each time; and nobody asks for all tasks.
        *((module, "get_running_loop", lambda: world.loop) for module in (asyncio, asyncio.events)),
        (asyncio.events, "_get_running_loop", lambda: world.loop),
        (asyncio.tasks._all_tasks, "add", lambda _task: None),  # type: ignore[attr-defined]
        *((time, name, getattr(clock, name)) for name in ("time", "monotonic", "perf_counter", "perf_counter_ns")),
        # The ways out of a process, and what they do on the way.
        (os, "_exit", _exit),
        (logging, "shutdown", lambda: None),
        # Clients that roles make from their settings.
        (outbox, "AIOKafkaProducer", partial(kafka.Producer, broker)),
        (dead_letters, "AIOKafkaProducer", partial(kafka.Producer, broker)),
        (kept, "AIOKafkaProducer", partial(kafka.Producer, broker)),
        (relay, "AIOKafkaProducer", partial(TransactionalProducer, broker)),
        *((module, "AIOKafkaConsumer", partial(kafka.Consumer, broker)) for module in (definitions, kept, relay)),
        *((module, "KafkaReader", lambda consumer: consumer.reader) for module in (definitions, kept)),
        *((module, "KafkaOffsets", lambda consumer: consumer.offsets) for module in (definitions, kept)),
        (definitions, "_compile", _compiled),
        (deploy_definition, "validate_definition", _validated),
        (ProcessDefinition, "model_dump", _dumped),
        (actions, "real_connections", lambda _settings, _topics: _connections(world)),
        (actions, "performers", lambda connections: recorded(actions_performers(connections), world.ledger)),
        (asyncpg, "connect", world.database.connect),
        (station, "beginnings", lambda _settings, tps: _beginnings(world, tps)),
        # Less than in production: many rounds, and a relay that was stopped for long is replaced within a run.
        (relay, "MAX_RECORDS", RELAYED),
        (relay, "_SESSION", relay._SESSION | {"idle_session_timeout": IDLE_MS}),
        # aiomqtt's and paho's insides.
        (bridging, "take_delivery", mqtt.take_delivery),
        (bridging, "until_lost", mqtt.until_lost),
    ]
    with ExitStack() as stack:
        for owner, name, stand_in in replaced:
            stack.enter_context(patch.object(owner, name, stand_in))
        stack.enter_context(quiet())
        yield


def _connections(world: World) -> Opening:
    """MQTT reaches the simulated broker; nothing else is reached."""
    return Opening(fake_connections()._replace(mqtt=mqtt.Publisher(world.plant)), (), ())


async def _beginnings(world: World, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    bounds = await kafka.Offsets(world.broker).bounds(tps)
    return {tp: first for tp, (first, _) in bounds.items()}


@contextmanager
def quiet() -> Iterator[None]:
    """Thousands of deaths a minute are nothing to write home about."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        structlog.configure(**before)
