"""Durations as people write them (``5m``, ``1h30m``, ``PT5M``) and instants (RFC 3339), both in milliseconds.

A batch's commands were appended in few moments, and ask for the same deadlines: instants are converted once for all.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+")
_ISO = re.compile(r"P(?=.)(?:(?P<d>\d+)D)?(?:T(?=.)(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?")
MAX_DURATION_MS = 10 * 365 * _UNITS_MS["d"]


def parse_duration_ms(text: str) -> int:
    """Milliseconds of ``5m``, ``1h30m``, ``250ms`` or ISO 8601's ``PT5M``.

    Raises ``ValueError`` for anything else, for zero, and for more than ten years.
    """
    compact = text.strip()
    if iso := _ISO.fullmatch(compact):
        total = sum(float(n) * _UNITS_MS[unit] for unit, n in iso.groupdict().items() if n)
    elif _WHOLE.fullmatch(compact):
        total = sum(float(n) * _UNITS_MS[unit] for n, unit in _PART.findall(compact))
    else:
        raise ValueError(f"Expected a duration such as '30s', '5m', '1h30m' or 'PT5M', but got {text!r:.200}")
    if not 0 < total <= MAX_DURATION_MS:
        raise ValueError(f"Expected a duration above zero and up to ten years, but got {text!r:.200}")
    return max(1, round(total))


@lru_cache(maxsize=1024)
def parse_instant_ms(text: str) -> int:
    """Unix milliseconds of an RFC 3339 instant; an instant without a zone is UTC.  Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    return instant_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def instant_ms(moment: datetime) -> int:
    """Unix milliseconds of an aware ``datetime``, exact where ``timestamp() * 1000`` would round."""
    return (moment - _EPOCH) // _MILLISECOND


def planned_ms(moment: datetime) -> int:
    """Unix milliseconds of a moment that is planned, aware.

    Raises ``ValueError`` beyond the years 1 to 9000: it must have a text, and what is counted from it as well.
    """
    ms = instant_ms(moment)
    if not _FIRST_MS <= ms < _LAST_MS:
        raise ValueError(f"Expected a moment of the years 1 to 9000, but got {moment.isoformat()}")
    return ms


@lru_cache(maxsize=1024)
def instant(ms: int) -> datetime:
    """The UTC ``datetime`` of Unix milliseconds."""
    return _EPOCH + ms * _MILLISECOND


@lru_cache(maxsize=1024)
def instant_text(ms: int) -> str:
    """RFC 3339 text of Unix milliseconds, e.g. ``2026-11-21T02:00:00.250Z``."""
    seconds, rest = divmod(ms, 1000)
    return f"{_second_text(seconds)}.{rest:03d}Z"


@lru_cache(maxsize=1024)
def _second_text(seconds: int) -> str:
    """The text up to the second, which the deadlines of a busy moment share."""
    return instant(seconds * 1000).isoformat(timespec="seconds").removesuffix("+00:00")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC) - _EPOCH
_FIRST_MS, _LAST_MS = (instant_ms(datetime(year, 1, 1, tzinfo=UTC)) for year in (1, 9001))
