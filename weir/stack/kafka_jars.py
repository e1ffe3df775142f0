"""Kafka's jars in the cache: downloaded once by ``jgo``, each compared with the SHA-256 that ``kafka-jars.txt`` pins.

The list holds every jar of the class path (``group:artifact:version bytes sha256``).  To move to another version:
``python -m weir.stack.kafka_jars 4.2.1 > weir/stack/kafka-jars.txt``.

Of jgo only the Maven half is used: its environments leave most of Kafka's jars off their class path, and would fetch a
JDK of their own to sort them.  It takes half a second to import, which only the first run needs to spend.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from weir.stack.cache import cache_dir, cache_lock
from weir.stack.disk import check_space
from weir.stack.errors import StackError
from weir.stack.progress import Progress

if TYPE_CHECKING:
    from jgo.maven import MavenContext

PINNED = Path(__file__).with_name("kafka-jars.txt")
KAFKA = "org.apache.kafka:kafka_2.13"
LOGGER = "org.apache.logging.log4j:log4j-slf4j-impl"
PARALLEL = 4
ATTEMPTS = 3
HTTP_TIMEOUT_S = 60


@dataclass(frozen=True)
class Jar:
    group: str
    artifact: str
    version: str
    size: int
    sha256: str

    @property
    def filename(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def pinned_jars() -> list[Jar]:
    jars = []
    for line in PINNED.read_text().splitlines():
        coordinates, size, sha256 = line.split()
        group, artifact, version = coordinates.split(":")
        jars.append(Jar(group, artifact, version, int(size), sha256))
    return jars


def kafka_version() -> str:
    return next(jar.version for jar in pinned_jars() if f"{jar.group}:{jar.artifact}" == KAFKA)


def ensure_kafka(progress: Progress) -> Path:
    """The directory with all jars; downloads them when it is not there (about 45 MB)."""
    jars = pinned_jars()
    fingerprint = hashlib.sha256(PINNED.read_bytes()).hexdigest()[:8]
    name = f"kafka-{kafka_version()}-{fingerprint}"
    if (cache_dir() / name).is_dir():
        return cache_dir() / name
    with cache_lock() as cache:
        if not (cache / name).is_dir():  # another command may have downloaded them meanwhile
            check_space(cache, 2 * sum(jar.size for jar in jars), "Kafka's jars")
            with tempfile.TemporaryDirectory(dir=cache, prefix="kafka-download-") as scratch:
                complete = Path(scratch) / "jars"
                complete.mkdir()
                _download_all(jars, Path(scratch), complete, progress)
                complete.replace(cache / name)
    return cache / name


def class_path(jars: Path) -> str:
    return os.pathsep.join(str(path) for path in sorted(jars.glob("*.jar")))


def _download_all(jars: list[Jar], scratch: Path, complete: Path, progress: Progress) -> None:
    step = f"downloading Kafka {kafka_version()}"
    total, done = sum(jar.size for jar in jars), 0
    progress(step, 0.0)
    from jgo.maven import MavenContext  # noqa: PLC0415  # see the module's docstring

    context = MavenContext(repo_cache=scratch / "repository", timeout=HTTP_TIMEOUT_S)
    with ThreadPoolExecutor(PARALLEL) as pool:
        downloads = {pool.submit(_download, context, jar, complete): jar for jar in jars}
        try:
            for finished in as_completed(downloads):
                finished.result()
                done += downloads[finished].size
                progress(step, done / total)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _download(context: "MavenContext", jar: Jar, complete: Path) -> None:
    from requests import RequestException  # noqa: PLC0415

    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    problem = ""
    for _ in range(ATTEMPTS):
        try:
            path = artifact.resolve()
        except (RequestException, RuntimeError) as error:  # jgo: not found in any repository
            problem = f"{type(error).__name__}: {error}"
            artifact.cached_path.unlink(missing_ok=True)  # half a file would pass for a whole one
            continue
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found == jar.sha256:
            shutil.move(path, complete / jar.filename)
            return
        problem = f"SHA-256 {found} instead of {jar.sha256}"
        path.unlink()
    raise StackError(
        f"Expected to download {jar.filename} in {ATTEMPTS} attempts, but got: {problem}",
        "Check the network (a proxy is taken from HTTPS_PROXY) and run `weir up` again; "
        "or set REDPANDA_BROKERS to a broker of your own.",
    )


def _resolve(version: str) -> list[str]:
    """The lines of ``kafka-jars.txt`` for a version of Kafka.

    Kafka's dependencies name no logger: without the one that its distribution adds, it would even die in silence.
    """
    import jgo  # noqa: PLC0415

    artifacts = jgo.resolve(f"{KAFKA}:{version}")
    log4j = next(artifact.version for artifact in artifacts if artifact.artifactId == "log4j-core")
    lines = set()
    for artifact in artifacts + jgo.resolve(f"{LOGGER}:{log4j}"):
        content = artifact.resolve().read_bytes()
        coordinates = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
        lines.add(f"{coordinates} {len(content)} {hashlib.sha256(content).hexdigest()}")
    return sorted(lines)


if __name__ == "__main__":
    sys.stdout.write("\n".join(_resolve(sys.argv[1])) + "\n")
