"""Single values of JSON, which vendors write the same in many ways.

Numbers come as such or as texts, truth as true, 1, "1" or "ON", and what is not known as
null or as an empty text. A value of the wrong kind is None, so that it becomes absent. The
class of a value decides how it is read: JSON makes values of a few classes only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
import re
from typing import TypeIs

type Json = None | bool | int | float | str | Sequence[Json] | Mapping[str, Json]

type Record = Mapping[str, object]

_FLAGS: Mapping[str, bool] = {
    **dict.fromkeys(("1", "1.0", "true", "on"), True),
    **dict.fromkeys(("0", "0.0", "false", "off"), False),
}
_EXACT = 2**53
"""Below this, a float holds every whole number. No vendor counts so far."""
_LARGEST = 2**63 - 1
"""The largest whole number that Home Assistant can write as JSON."""
_SPEED = re.compile(
    r"([+-]?\d{1,9}(?:[.,]\d{1,9})?)\s*"
    r"(km/?h|kmph|kph|mph|mi/h|kn|kts?|knots?|m/s|mps)?",
    re.IGNORECASE,
)
_KMH_PER: Mapping[str, float] = {
    **dict.fromkeys(("mph", "mi/h"), 1.609344),
    **dict.fromkeys(("kn", "kt", "kts", "knot", "knots"), 1.852),
    **dict.fromkeys(("m/s", "mps"), 3.6),
}
_YEAR_1980 = 315_532_800
_YEAR_2200 = 7_258_118_400


def is_record(value: object) -> TypeIs[dict[str, object]]:
    """Tell whether a value is a JSON object."""
    return isinstance(value, dict)


def can_be_told(value: float) -> bool:
    """Tell whether Home Assistant can show and store a number.

    A single one that it cannot write keeps it from telling any state at all.
    """
    if type(value) is float:
        return isfinite(value)
    return -_LARGEST <= value <= _LARGEST and isfinite(value)


def as_number(value: object) -> float | None:
    """Return a number or the text of one as a finite float, None for anything else."""
    if type(value) is float:
        return value if isfinite(value) else None
    if type(value) is int and -_EXACT < value < _EXACT:
        return float(value)
    if type(value) is int or type(value) is str:
        if type(value) is str and "_" in value:
            # Only Python writes numbers so.
            return None
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        return number if isfinite(number) else None
    return None


def as_kmh(value: object) -> float | None:
    """Return a speed in km/h: a number, or a text that may name another unit."""
    number = as_number(value)
    if number is not None or type(value) is not str:
        return number
    if (found := _SPEED.fullmatch(value.strip())) is None:
        return None
    unit = (found[2] or "").lower()
    return float(found[1].replace(",", ".")) * _KMH_PER.get(unit, 1)


def as_integer(value: object) -> int | None:
    """Return a whole number or the text of one, None for anything else.

    Beyond what a float holds it is None too: larger ones cannot be told to anybody.
    """
    if type(value) is int and -_EXACT < value < _EXACT:
        return value
    number = as_number(value)
    if number is None or not -_EXACT < number < _EXACT or not number.is_integer():
        return None
    return int(number)


def as_flag(value: object) -> bool | None:
    """Return whether something is on, however it is written, None for anything else."""
    if type(value) is bool:
        return value
    if type(value) is int:
        return value == 1 if 0 <= value <= 1 else None
    if type(value) is str and (flag := _FLAGS.get(value)) is not None:
        return flag
    if type(value) is float or type(value) is str:
        return _FLAGS.get(str(value).strip().lower())
    return None


def as_text(value: object) -> str | None:
    """Return a text that is not empty; numbers as they are written."""
    kind = type(value)
    if kind is str or kind is int or kind is float:
        text = str(value).strip()
        # Only a text of four letters can be a word for nothing.
        if len(text) != 4:
            return text or None
        return text if text.lower() != "null" else None
    return None


def as_unix_time(value: object) -> datetime | None:
    """Return seconds or milliseconds since 1970 as aware UTC.

    What lies outside of 1980 to 2199 is no time: systems write 0 or 1 for "unknown". Clocks
    that were reset begin in 1980 or later; what that counts for is decided in `clocks`.
    """
    if type(value) is int and _YEAR_1980 <= value < _YEAR_2200:
        return datetime.fromtimestamp(value, UTC)
    seconds = as_number(value)
    if seconds is None:
        return None
    if seconds >= _YEAR_2200:
        seconds /= 1000
    if not _YEAR_1980 <= seconds < _YEAR_2200:
        return None
    return datetime.fromtimestamp(seconds, UTC)
