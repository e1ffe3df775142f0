"""Credentials reach every client that the transport makes, and Faust's own producer refuses to be one."""

import asyncio
import ssl
from types import SimpleNamespace

import faust
import pytest
from pydantic import SecretStr

from streams import transport
from streams.kafka import client_options
from streams.settings import Settings
from streams.transport import kafka_writer, preflight, thread

SECRETS = {
    "bootstrap_servers": "kafka.plant:9093,kafka2.plant:9093",
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "SCRAM-SHA-512",
    "sasl_plain_username": "weir",
    "sasl_plain_password": "secret",
}


@pytest.fixture
def options():
    settings = Settings(
        _env_file=None,
        brokers=SECRETS["bootstrap_servers"],
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="weir",
        kafka_sasl_password=SecretStr("secret"),
    )
    return transport.TransportOptions(client=client_options(settings))


class Recorder:
    """Stands for a client class; keeps what it was made with, and fails to start."""

    def __init__(self) -> None:
        self.made = []

    def __call__(self, *_, **options):
        self.made.append(options)

        async def fail():
            raise ConnectionError("not in this test")

        async def stop():
            return None

        return SimpleNamespace(start=fail, stop=stop, _sender=SimpleNamespace(_do_txn_commit=None))

    def assert_secrets(self):
        assert len(self.made) == 1
        assert self.made[0].items() >= SECRETS.items()
        assert isinstance(self.made[0]["ssl_context"], ssl.SSLContext)


def make_app(options):
    app = faust.App("secure", **transport.app_settings(member_id="w7", session_timeout_s=8.0))
    return app, transport.install(app, options)


async def test_the_consumer(options, monkeypatch):
    app, tx = make_app(options)
    tx.source(app.topic("in"), positions=transport.TablePositions(app.Table("state")))
    recorder = Recorder()
    monkeypatch.setattr(thread.aiokafka, "AIOKafkaConsumer", recorder)
    app.consumer._thread._create_worker_consumer(app.transport)
    app.consumer._thread.thread_loop.close()
    recorder.assert_secrets()
    made = recorder.made[0]
    assert (made["isolation_level"], made["enable_auto_commit"]) == ("read_committed", False)
    assert (made["group_id"], made["group_instance_id"], made["session_timeout_ms"]) == ("secure", "w7", 8000)


async def test_the_writers(options, monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr(kafka_writer, "AIOKafkaProducer", recorder)
    with pytest.raises(ConnectionError):
        await kafka_writer.KafkaWriter.open("id", "group", options)
    recorder.assert_secrets()
    assert (recorder.made[0]["transactional_id"], recorder.made[0]["acks"]) == ("id", "all")


async def test_the_preflight(options, monkeypatch):
    _, tx = make_app(options)
    recorder = Recorder()
    monkeypatch.setattr(preflight, "AIOKafkaAdminClient", recorder)
    with pytest.raises(ConnectionError):
        await preflight.check(tx)
    recorder.assert_secrets()


async def test_the_broker_that_never_answers_is_told(monkeypatch):
    class ProcessEnded(BaseException):
        pass

    def fatal(message, error=None):
        raise ProcessEnded(f"{message} {error!r}")

    app = faust.App("lonely", **transport.app_settings())
    tx = transport.Transport(app, transport.TransportOptions(client={"bootstrap_servers": "127.0.0.1:1"}), fatal)
    monkeypatch.setattr(preflight, "BROKER_WAIT_S", 1.0)
    async with asyncio.timeout(30):
        with pytest.raises(ProcessEnded, match=r"Expected Kafka at 127\.0\.0\.1:1, but it did not answer"):
            await preflight.check(tx)


async def test_faust_makes_no_producer_of_its_own(options):
    app, _ = make_app(options)
    assert app.boot_strategy.enable_kafka_producer is False
    with pytest.raises(TypeError, match="through the batch transaction"):
        await app.producer.send("out", b"k", b"v", None, None, None)
    table = app.Table("state")
    with pytest.raises(TypeError, match="through the batch transaction"):
        table[b"k"] = b"v"


async def test_one_source_a_topic_and_a_table(options):
    app, tx = make_app(options)
    table = app.Table("state")
    tx.source(app.topic("a"), positions=transport.TablePositions(table))
    with pytest.raises(ValueError, match="Expected one source for a, but got a second"):
        tx.source(app.topic("a"), positions=transport.GroupPositions(missing="latest"))
    with pytest.raises(ValueError, match="Expected one source for table"):
        tx.source(app.topic("b"), positions=transport.TablePositions(table))
    assert tx.status() == []
