"""Reads single values of answers and pushes, which write the same in many ways."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
import re

from ...vendor import Json

type Record = Mapping[str, Json]

# Times in milliseconds are beyond this, times in seconds never.
_MILLISECONDS_FROM = 1e12
# No quantity is that large; arithmetic with it is safe.
_VAST = 1e15
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}")


def number(value: Json, least: float = -_VAST, most: float = _VAST) -> float | None:
    """Return a number that is in a range, None for anything else."""
    if isinstance(value, str):
        try:
            value = int(value) if _WHOLE.fullmatch(value) else float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if least <= value <= most else None


def whole(value: Json, least: int, most: int) -> int | None:
    """Return a whole number that is in a range, None for anything else."""
    found = number(value, least, most)
    return None if found is None or found != int(found) else int(found)


def boolean(value: Json) -> bool | None:
    """Return a truth value, however it is written, None for anything else."""
    if isinstance(value, str):
        value = value.strip().lower()
    return {"true": True, "1": True, "false": False, "0": False}.get(
        str(value).lower() if isinstance(value, bool | int | str) else ""
    )


def moment(value: Json) -> datetime | None:
    """Return a time in seconds or milliseconds since 1970 UTC; 0 is none."""
    found = number(value)
    if found is None or found <= 0:
        return None
    try:
        return datetime.fromtimestamp(
            found / 1000 if found > _MILLISECONDS_FROM else found, UTC
        )
    except (ValueError, OverflowError, OSError):
        return None


def text(value: Json) -> str | None:
    """Return a text, or a whole number as one; None for nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None
