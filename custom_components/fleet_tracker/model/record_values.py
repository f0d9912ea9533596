"""The values of a vendor's record by which a later one is known as the same. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter

type ValuesOf = Callable[[Mapping[str, object]], object]
"""Returns some values of a record, to be compared with those of another one.

Raises KeyError for a record without one of them.
"""


@lru_cache(maxsize=64)
def values_beside(names: tuple[str, ...], moving: frozenset[str]) -> ValuesOf:
    """Return what tells the values of a record but those that move on by themselves.

    ``names`` are all names of the record. One at least is to stay.
    """
    return itemgetter(*[name for name in names if name not in moving])
