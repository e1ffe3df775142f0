"""The embedded services with TLS and passwords: what ``weir/stack`` starts, with certificates and accounts of a run.

Kafka listens once for each way to be asked (``LISTENERS``); PostgreSQL lets in over TLS with a password only; amqtt
listens with its good certificate, and once with each wrong one.
"""

import os
import shutil
import signal
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import asyncpg

from tests.security.certificates import HOST, Certificates, Pair
from weir.stack import kafka, postgres
from weir.stack.accounts import lookup
from weir.stack.checks import run_async
from weir.stack.kafka_jars import ensure_kafka
from weir.stack.ports import Ports, free_port_numbers
from weir.stack.process import ProcessSpec
from weir.stack.progress import silent
from weir.stack.stack import Stack
from weir.stack.timescaledb import ensure_timescaledb

USER = "weir"
PASSWORD = "s3cret/of@the:plant#1"
"""One that has to be escaped in a URL."""
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
LISTENERS = {
    "tls": "SSL",
    "mutual": "SSL",
    "expired": "SSL",
    "elsewhere": "SSL",
    "sasl": "SASL_PLAINTEXT",
    "sasltls": "SASL_SSL",
}
BROKERS = ("good", "expired", "elsewhere", "plain")


class Services:
    """``kafka[listener]``, ``mqtt[kind]`` and ``postgres`` are ports."""

    def __init__(self, home: Path) -> None:
        home.chmod(0o755)  # under root the database runs as another account
        self.home = home
        (home / "certificates").mkdir()
        self.certificates = Certificates(home / "certificates")
        numbers = iter(free_port_numbers(4 + len(LISTENERS) + len(BROKERS), 26000, 29999))
        self.ports = Ports(*(next(numbers) for _ in range(4)))
        self.kafka = {"plain": self.ports.kafka, **{name: next(numbers) for name in LISTENERS}}
        self.mqtt = {name: next(numbers) for name in BROKERS}
        self.postgres = self.ports.postgres
        self._stack = Stack(home, self.ports, durable=False)
        self._server = Pair(*(home / name for name in ("pg.pem", "pg.key", "pg.both")))

    def start(self) -> None:
        """Start all three, side by side."""
        jars, bin_dir = ensure_kafka(silent), ensure_timescaledb(self.home / "timescaledb.log", None, silent)
        self._install(self.certificates.server)
        specs = [
            kafka.prepare(
                self.home,
                jars,
                self.ports,
                durable=False,
                progress=silent,
                more=self._kafka_properties(),
                format_options=[
                    f"--add-scram={name}=[name={USER},password={PASSWORD}]" for name in MECHANISMS if name != "PLAIN"
                ],
            ),
            postgres.prepare(
                self.home,
                bin_dir,
                self.ports,
                durable=False,
                progress=silent,
                more={
                    "ssl": "on",
                    "ssl_cert_file": str(self._server.cert),
                    "ssl_key_file": str(self._server.key),
                    "password_encryption": "scram-sha-256",
                },
            ),
            *(self._mqtt_spec(name) for name in BROKERS),
        ]
        self._stack.start_processes(specs)
        run_async(self._close_the_database())

    def stop(self) -> None:
        """Stop what was started."""
        self._stack.down()
        shutil.rmtree(self.home)

    def log(self, name: str) -> str:
        """What a service has written."""
        return self._stack.log_path(name).read_text(errors="replace")

    # ---- Kafka

    def _kafka_properties(self) -> str:
        pairs = {"expired": self.certificates.expired, "elsewhere": self.certificates.elsewhere}
        names = {name.upper(): (port, LISTENERS.get(name, "PLAINTEXT")) for name, port in self.kafka.items()}
        names["PLAINTEXT"] = names.pop("PLAIN")
        places = ",".join(f"{name}://{HOST}:{port}" for name, (port, _) in names.items())
        protocols = ",".join(f"{name}:{protocol}" for name, (_, protocol) in names.items())
        lines = [
            f"listeners={places},CONTROLLER://{HOST}:{self.ports.kafka_controller}",
            f"advertised.listeners={places}",
            f"listener.security.protocol.map={protocols},CONTROLLER:PLAINTEXT",
            f"sasl.enabled.mechanisms={','.join(MECHANISMS)}",
            "ssl.truststore.type=PEM",
            f"ssl.truststore.location={self.certificates.ca}",
            "listener.name.mutual.ssl.client.auth=required",
        ]
        for name, protocol in LISTENERS.items():
            prefix = f"listener.name.{name}"
            if "SSL" in protocol:
                both = pairs.get(name, self.certificates.server).both
                lines += [f"{prefix}.ssl.keystore.type=PEM", f"{prefix}.ssl.keystore.location={both}"]
            if "SASL" in protocol:
                module = "org.apache.kafka.common.security"
                plain = f'{module}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
                lines.append(f"{prefix}.plain.sasl.jaas.config={plain}")
                lines += [
                    f"{prefix}.{mechanism.lower()}.sasl.jaas.config={module}.scram.ScramLoginModule required;"
                    for mechanism in MECHANISMS
                    if mechanism != "PLAIN"
                ]
        return "\n".join(lines) + "\n"

    # ---- PostgreSQL

    def database_url(self, *, password: str = PASSWORD, **parameters: object) -> str:
        """As a user would write it; without parameters the certificate is verified against the run's own CA."""
        parameters = parameters or {"sslmode": "verify-full", "sslrootcert": self.certificates.ca}
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"postgresql://{USER}:{quote(password, safe='')}@{HOST}:{self.postgres}/weir?{query}"

    def present(self, pair: Pair) -> None:
        """Have PostgreSQL present another certificate, and wait until it does."""
        self._install(pair)
        self._reload()
        wanted = ssl.PEM_cert_to_DER_cert(pair.cert.read_text().partition("-----END CERTIFICATE-----")[0] + _END)
        deadline = time.monotonic() + 60
        while self._presented() != wanted:
            assert time.monotonic() < deadline, "PostgreSQL still presents its former certificate"

    def _presented(self) -> bytes | None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((HOST, self.postgres), timeout=10) as plain:
            plain.sendall(bytes.fromhex("00000008 04d2162f"))  # SSLRequest
            assert plain.recv(1) == b"S"
            with context.wrap_socket(plain) as secure:
                return secure.getpeercert(binary_form=True)

    def _install(self, pair: Pair) -> None:
        """Where the server finds it, owned by who it runs as."""
        for source, target in zip(pair, self._server, strict=True):
            target.write_bytes(source.read_bytes())
            target.chmod(0o600)
            if (account := postgres.account()) is not None:
                entry = lookup(account)
                os.chown(target, entry.pw_uid, entry.pw_gid)

    def _reload(self) -> None:
        pid = self.home.joinpath("postgres/data/postmaster.pid").read_text().split("\n", 1)[0]
        os.kill(int(pid), signal.SIGHUP)

    async def _close_the_database(self) -> None:
        """Give the role a password, then let nobody in without it and without TLS."""
        open_url = postgres.database_url(self.ports)
        connection = await asyncpg.connect(open_url)
        literal = await connection.fetchval("SELECT quote_literal($1::text)", PASSWORD)
        await connection.execute(f"ALTER ROLE {USER} PASSWORD {literal}")
        await connection.close()
        hba = self.home / "postgres" / "hba.conf"
        hba.write_text(f"hostssl all {USER} {HOST}/32 scram-sha-256\n")
        self._reload()
        deadline = time.monotonic() + 60
        while True:
            try:
                connection = await asyncpg.connect(open_url, ssl="disable")
            except asyncpg.InvalidAuthorizationSpecificationError:
                return
            await connection.close()
            assert time.monotonic() < deadline, "PostgreSQL still lets in whoever comes"

    # ---- MQTT

    def mqtt_url(self, kind: str = "good", *, password: str = PASSWORD, scheme: str = "mqtts") -> str:
        """As a user would write it."""
        return f"{scheme}://{USER}:{quote(password, safe='')}@{HOST}:{self.mqtt[kind]}"

    def _mqtt_spec(self, kind: str) -> ProcessSpec:
        pairs: Mapping[str, Pair] = {
            "good": self.certificates.server,
            "expired": self.certificates.expired,
            "elsewhere": self.certificates.elsewhere,
        }
        pair, port = pairs.get(kind), self.mqtt[kind]
        files = (str(pair.cert), str(pair.key)) if pair is not None else ()
        return ProcessSpec(
            name=f"mqtt-{kind}",
            argv=(sys.executable, "-m", "tests.security.mqtt_broker", HOST, str(port), USER, PASSWORD, *files),
            cwd=Path(__file__).parents[2],
            port=port,
            ready=lambda: _accepts(port),
        )


_END = "-----END CERTIFICATE-----\n"


def _accepts(port: int) -> str:
    socket.create_connection((HOST, port), timeout=5).close()
    return "accepts connections"
