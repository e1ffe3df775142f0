"""Certificates made for one run: a server's good one, and one for each way to be wrong."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

HOST = "127.0.0.1"


class Pair(NamedTuple):
    """A certificate and its key (PKCS #8), and both in one file, as Kafka wants them."""

    cert: Path
    key: Path
    both: Path


class Certificates:
    """``ca`` signs ``server``, ``expired``, ``elsewhere`` (for another host) and ``client``; ``other_ca`` nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        now = datetime.now(UTC)
        self.ca = self._authority("ca", self._ca)
        self.other_ca = self._authority("other-ca", trustme.CA())
        self.server = self._write("server", self._ca.issue_cert(HOST, "localhost"))
        self.expired = self._write(
            "expired",
            self._ca.issue_cert(HOST, not_before=now - timedelta(days=2), not_after=now - timedelta(days=1)),
        )
        self.elsewhere = self._write("elsewhere", self._ca.issue_cert("10.20.30.40", "plant.example"))
        self.client = self._write("client", self._ca.issue_cert("client@plant.example", common_name="weir"))
        self.stranger = self._write("stranger", trustme.CA().issue_cert("client@plant.example", common_name="weir"))

    def _authority(self, name: str, ca: trustme.CA) -> Path:
        path = self._folder / f"{name}.pem"
        ca.cert_pem.write_to_path(str(path))
        return path

    def _write(self, name: str, issued: trustme.LeafCert) -> Pair:
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        key = load_pem_private_key(issued.private_key_pem.bytes(), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        pair = Pair(*(self._folder / f"{name}{suffix}" for suffix in (".pem", ".key", ".both.pem")))
        for path, content in zip(pair, (chain, key, key + chain), strict=True):
            path.write_bytes(content)
            path.chmod(0o600)
        return pair
