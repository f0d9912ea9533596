"""Values as trackers write them, checked where they come in.

Numbers come as whole or not, or as texts; booleans as 0 and 1; what is not known as null,
as an empty text or as a number that cannot be. All of that becomes absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from ...model.json_values import as_integer, as_kmh, as_number, as_text, as_unix_time
from ...model.vehicle import Value

type Reader = Callable[[object], Value | None]

_LONGEST_TEXT = 255


def as_shown_text(value: object) -> str | None:
    """Return a text that can be shown, None for an empty one."""
    text = as_text(value) or ""
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text.strip()[:_LONGEST_TEXT] or None


def as_time(value: object) -> datetime | None:
    """Return the time of UNIX seconds (2.1.1), however wrong, None where it is none."""
    return as_unix_time(value)


def as_date_and_time(date: object, time: object) -> datetime | None:
    """Return the time of ``gnss.date`` ("2020-4-17") and ``gnss.time`` (3.3.3), UTC."""
    if not isinstance(date, str) or not isinstance(time, str):
        return None
    try:
        moment = datetime.strptime(f"{date} {time}", "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None
    return as_time(moment.replace(tzinfo=UTC).timestamp())


def number(low: float, high: float, factor: float = 1) -> Reader:
    """Read a number of a range, and bring it to the unit that is wanted."""

    def read(value: object) -> float | None:
        # Most are written so: this is quick.
        found = value if type(value) is float else as_number(value)
        # What is no number is in no range.
        if found is None or not low <= found <= high:
            return None
        return found if factor == 1 else found * factor

    return read


def kmh(low: float, high: float) -> Reader:
    """Read a speed of a range in km/h. A text may name another unit."""
    read_number = number(low, high)
    return lambda value: read_number(as_kmh(value))


def whole(low: int, high: int) -> Reader:
    """Read a whole number of a range."""

    def read(value: object) -> int | None:
        found = as_integer(value)
        return found if found is not None and low <= found <= high else None

    return read


def one_of(names: Mapping[int, str]) -> Reader:
    """Read a number that stands for something."""

    def read(value: object) -> str | None:
        found = as_integer(value)
        return None if found is None else names.get(found)

    return read
