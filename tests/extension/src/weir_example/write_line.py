"""Action ``write_line``: a line at the end of a text file, once however often it is performed."""

import asyncio
from pathlib import Path
from typing import Any

from streams.actions import ActionError, ActionRequest, Effect
from streams.actions.base import text_of
from streams.core.actions import ActionConfig, ActionSpec
from streams.core.actions.failures import PERMANENT, TRANSIENT, Failure
from streams.core.scalars import SecretText, TextTemplate
from streams.extensions.offers import Action


class WriteLineConfig(ActionConfig):
    """``file`` is in a folder that is there."""

    file: TextTemplate
    line: SecretText


class WriteLine:
    """Config: ``file``, ``line``.  The output is ``lines``, the number of lines that there are."""

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        file, line = Path(text_of(request.config, "file")), text_of(request.config, "line")
        return {"lines": await asyncio.to_thread(write, file, request.idempotency_key, line)}

    def dry_run(self, request: ActionRequest) -> Effect:
        file, line = text_of(request.config, "file"), text_of(request.config, "line")
        return Effect(f"writes a line to {file}", {"file": file, "line": line})


def write(file: Path, key: str, line: str) -> int:
    """The lines of ``file``, after the one of ``key`` was added unless it is there.  Raises ``ActionError``."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        if not any(one.startswith(f"{key} ") for one in lines):
            lines.append(f"{key} {line}")
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except FileNotFoundError:
        raise ActionError(f"Expected a folder {file.parent}, but there is none", "no_folder", retryable=False) from None
    except OSError as error:
        raise ActionError(f"{file}: {error}", "file_busy", retryable=True) from None
    return len(lines)


OFFER = Action(
    ActionSpec("write_line", WriteLineConfig, inline=False),
    lambda _: WriteLine(),
    {
        "no_folder": Failure(PERMANENT, ("write_line",), "the folder of the file is not there"),
        "file_busy": Failure(TRANSIENT, ("write_line",), "the file cannot be written now"),
    },
)
