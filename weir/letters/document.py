"""A letter for programs."""

from typing import Any

import msgspec

from weir.letters.letter import Letter


def document(letter: Letter) -> dict[str, Any]:
    """Without its value."""
    source = letter.source
    return {
        "id": str(letter.place),
        "time": letter.time or None,
        "role": letter.role or None,
        "source": None if source is None else source._asdict(),
        "key": text_of(letter.key),
        "size": letter.size,
        "cut_from": letter.cut,
        "reason": letter.reason,
        "definitions": list(letter.definitions),
        "retry_of": letter.retry_of,
        "fate": None if letter.fate is None else msgspec.to_builtins(letter.fate),
    }


def text_of(raw: bytes | None) -> str | None:
    """Bytes as text; what is none is escaped."""
    return None if raw is None else raw.decode(errors="backslashreplace")
