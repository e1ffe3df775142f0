"""The action worker as `weir worker actions` runs it: with what is installed."""

import os

from streams.settings import Settings
from weir.role import run_role


def run(settings: Settings) -> None:
    """Until told to stop."""
    code = run_role("actions", settings)
    if code != os.EX_OK:
        raise SystemExit(code)
