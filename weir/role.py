"""One role in this process, until told to stop: ``python -m weir.role NAME`` is what the stack starts.

``weir worker`` and ``weir projector`` do the same, with the command line around it.  A role imports only itself:
several of them start at once.
"""

import gc
import os
import sys
import traceback
from importlib import import_module

import structlog
from pydantic import ValidationError

from streams import extensions, ready
from streams.redaction import guard_output
from streams.refused import MqttUrlError, RefusedError
from streams.settings import Settings
from weir.log_format import log_to_stderr
from weir.settings_check import misfits, unknown

log = structlog.get_logger("weir.role")
MODULES = {
    "projector": "projections.app",
    "processor": "streams.agents.processor",
    "actions": "streams.agents.actions",
    "router": "streams.agents.router",
    "station": "streams.agents.station",
    "bridge": "streams.mqtt_bridge",
    "api": "weir.api.run",
}
"""Each has ``run(settings)``.  In the order of starting: who reads stands before who writes."""


def run_role(name: str, settings: Settings) -> int:
    """Be the role until told to stop; returns the exit code.  What goes wrong goes into the log whole."""
    guard_output(settings.secrets())
    log_to_stderr(settings, name)
    if ready.RESTARTS not in os.environ:  # else `weir up` has told it
        for text in unknown(os.environ):
            log.warning(text)
    try:
        extensions.load()
        gc.disable()  # nothing of the modules is garbage: looking for some is a tenth of the start
        role = import_module(MODULES[name])
        gc.enable()
        role.run(settings)
    except (RefusedError, MqttUrlError) as error:
        sys.stderr.write(f"{error}\n")
        return os.EX_SOFTWARE
    except Exception:  # noqa: BLE001  # whatever it is, it ends the process, and a supervisor starts another
        traceback.print_exc()
        return os.EX_SOFTWARE
    return os.EX_OK


def main(argv: list[str]) -> int:
    """``argv`` is the role's name."""
    if len(argv) != 1 or argv[0] not in MODULES:
        sys.stderr.write(f"Expected one of {', '.join(MODULES)}, but got {argv}\n")
        return os.EX_USAGE
    try:
        settings = Settings()
    except ValidationError as error:
        sys.stderr.write(f"{misfits(error)}\n")
        return os.EX_USAGE
    return run_role(argv[0], settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
