"""Single values of answers and pushes that have to be in a range."""

from __future__ import annotations

from ...model.json_values import as_number

# No quantity is that large; arithmetic with it is safe.
_VAST = 1e15


def number(value: object, least: float = -_VAST, most: float = _VAST) -> float | None:
    """Return a number that is in a range, None for anything else. 76.0 is 76."""
    found = as_number(value)
    if found is None or not least <= found <= most:
        return None
    return int(found) if found.is_integer() else found


def whole(value: object, least: int, most: int) -> int | None:
    """Return a whole number that is in a range, None for anything else."""
    found = number(value, least, most)
    return found if isinstance(found, int) else None
