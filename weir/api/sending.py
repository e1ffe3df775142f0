"""The gateway's connection to Kafka: made as soon as there is one, and then kept by the client itself."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import msgspec
import structlog
from aiokafka.errors import KafkaError
from fastapi import Request

from streams.codec import MAX_COMMAND_BYTES, decode_command, encode_json
from streams.core.commands import TopicCommand
from streams.records import Headers
from streams.settings import Settings
from streams.topics import Topics
from weir.api.audit.entry import CURRENT, Entry
from weir.api.following.follower import Follower
from weir.api.gate import Gate
from weir.api.problems import ProblemError, unavailable
from weir.api.repeating import outcome_before, sent_before
from weir.api.tracing import trace_headers
from weir.client import ClientError, CommandClient
from weir.decisions import Place
from weir.watch import Outcome

RETRY_S = 1.0
SEND_TIMEOUT_S = 10.0
UNSURE = "Send it again: with the same Idempotency-Key, or instance_id of a start, it is done once all the same."

log = structlog.get_logger("weir.api")


class Sender:
    """Sends what the gate lets through."""

    def __init__(self, settings: Settings, topics: Topics, gate: Gate, follower: Follower) -> None:
        self._settings, self._topics, self._gate, self._follower = settings, topics, gate, follower
        self._client: CommandClient | None = None

    async def serve(self) -> NoReturn:
        """Connect, however long Kafka takes to come; disconnect when cancelled."""
        while True:
            try:
                async with CommandClient(self._settings, self._topics) as self._client:
                    await asyncio.get_running_loop().create_future()
            except (KafkaError, ClientError) as error:
                log.warning("no connection to Kafka", error=str(error), again_in_s=RETRY_S)
            finally:
                self._client = None
            await asyncio.sleep(RETRY_S)

    def check(self) -> str | None:
        """For ``/health``."""
        return None if self._client is not None else f"no connection to Kafka at {self._settings.brokers}"

    def client(self) -> CommandClient:
        """Ready to send.  Raises ``ProblemError`` when Kafka is away or the processor too far behind."""
        if self._client is None:
            raise self._away()
        if (refusal := self._gate.closed()) is not None:
            raise refusal
        return self._client

    def _away(self) -> ProblemError:
        return unavailable("kafka_unreachable", f"No connection to Kafka at {self._settings.brokers}", "Try again.", 1)

    async def send(self, command: TopicCommand) -> None:
        """Return once Kafka has the command.  Raises ``ProblemError``."""
        client = self.client()
        raw = checked(command)
        try:
            with _told():
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    if await self._sent_before(client, command) is not None:
                        return
                    await self._send(client, command, raw)
        except TimeoutError as error:
            raise _unsure(error) from error
        self._gate.sent()

    async def _sent_before(self, client: CommandClient, command: TopicCommand) -> Place | None:
        """Where the command is, if this write is repeated and its first gateway has sent it."""
        place = await sent_before(self._settings, self._topics, client, command)
        if place is not None and (entry := CURRENT.get()) is not None:
            entry.sending(command)
            entry.sent(*place)
        return place

    async def _send(self, client: CommandClient, command: TopicCommand, raw: bytes) -> int:
        """The command's offset."""
        if (entry := CURRENT.get()) is not None:
            entry.sending(command)
        partition, offset = await client.send_encoded(command, raw, trace_headers())
        if entry is not None:
            entry.sent(partition, offset)
        return offset

    async def record(self, entry: Entry, status: int, timeout_s: float) -> None:
        """Return once Kafka has the record of a write that is answered with ``status``.  Raises ``ProblemError``."""
        if self._client is None:
            raise self._away()
        try:
            async with asyncio.timeout(timeout_s):
                await self._client.send_record(self._topics.audit.name, entry.who, entry.encoded(status))
        except (KafkaError, TimeoutError) as error:
            raise _unsure(error) from error
        entry.recorded = status

    async def send_reading(self, topic: str, key: str, raw: bytes, headers: Headers = ()) -> None:
        """Return once Kafka has a reading, as the bridge brings them.  Raises ``ProblemError``."""
        if self._client is None:
            raise self._away()
        if (entry := CURRENT.get()) is not None:
            entry.sending_reading()
        try:
            with _told():
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self._client.send_record(topic, key, raw, [*trace_headers(), *headers])
        except TimeoutError as error:
            raise _unsure(error) from error

    async def send_and_wait(self, command: TopicCommand, timeout_s: float) -> Outcome:
        """Return what became of the command, which has an id.  Raises ``ProblemError``, also when that takes longer."""
        client = self.client()
        raw = checked(command)
        assert command.id is not None
        try:
            with _told():
                partition, _ = client.address(command)
                async with asyncio.timeout(timeout_s):
                    if (place := await self._sent_before(client, command)) is not None:
                        return await outcome_before(self._settings, self._topics, command, place, timeout_s)
                    await self._follower.ready.wait()
                    with self._follower.outcomes.expect(partition, command.id) as expected:
                        offset = await self._send(client, command, raw)
                        self._gate.sent()
                        expected.is_at(offset)
                        return await expected.future
        except TimeoutError as error:
            raise unavailable(
                "not_decided",
                f"Expected an answer to {command.__struct_config__.tag} within {timeout_s:g} s, but got none. If Kafka "
                "has it, it will be decided, once",
                "Look at what it is about; or send it again.",
                1,
            ) from error


def sender_of(request: Request) -> Sender:
    """The gateway's own."""
    sender: Sender = request.app.state.sender
    return sender


def follower_of(request: Request) -> Follower:
    """The gateway's own."""
    follower: Follower = request.app.state.follower
    return follower


@contextmanager
def _told() -> Iterator[None]:
    """What may go wrong with sending, as problems."""
    try:
        yield
    except KafkaError as error:
        raise _unsure(error) from error
    except ValueError as error:
        raise ProblemError(422, "invalid_request", str(error), "Correct the value.") from error


def _unsure(error: Exception) -> ProblemError:
    detail = f"Kafka has not acknowledged it: {type(error).__name__}"
    return unavailable("not_acknowledged", detail, UNSURE, 1)


def checked(command: TopicCommand) -> bytes:
    """Its bytes; refused here is what would only become a dead letter.  Raises ``ProblemError``."""
    try:
        raw = encode_json(command)
        if len(raw) > MAX_COMMAND_BYTES:
            detail = f"Expected a command of at most {MAX_COMMAND_BYTES} bytes, but got {len(raw)}"
            raise ProblemError(413, "too_large", detail, "Send less, or a reference to it.")
        decode_command(raw)
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
        raise ProblemError(422, "invalid_request", str(error), "Correct the value.") from error
    return raw
