"""The values of a vendor's record by which a later one is known as the same. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter


class RecordValues:
    """The values of a record, without those that move on by themselves."""

    __slots__ = ("_names", "_of", "_values")

    def __init__(self, record: Mapping[str, object], moving: frozenset[str]) -> None:
        """Initialize with a record, and the names of the values that are left out.

        One of its values at least has another name.
        """
        self._names = len(record)
        self._of = _values_beside(tuple(record), moving)
        self._values = self._of(record)

    def are_in(self, record: Mapping[str, object]) -> bool:
        """Tell whether another record has the same names, and the same values of these."""
        if len(record) != self._names:
            return False
        try:
            return bool(self._of(record) == self._values)
        except KeyError:
            return False


@lru_cache(maxsize=64)
def _values_beside(
    names: tuple[str, ...], moving: frozenset[str]
) -> Callable[[Mapping[str, object]], object]:
    """Return a function that reads the values of some names, but for those that move."""
    return itemgetter(*[name for name in names if name not in moving])
