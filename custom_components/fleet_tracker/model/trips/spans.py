"""Things that last for a while, by their times."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate


def overlap(begin: float, end: float, other_begin: float, other_end: float) -> float:
    """Return for how long two spans of time overlap."""
    return max(0.0, min(end, other_end) - max(begin, other_begin))


class Spans[T]:
    """Things that last for a while, by their times: which of them overlap a time."""

    def __init__(
        self, items: Iterable[T], span: Callable[[T], tuple[float, float]]
    ) -> None:
        """Initialize with things in the order of their begins, and how long each lasts."""
        self._items = [(*span(one), one) for one in items]
        self._begins = [begin for begin, _, _ in self._items]
        self._ends = list(accumulate((end for _, end, _ in self._items), max))

    def at(self, begin: float, end: float) -> Iterator[tuple[int, T]]:
        """Yield what overlaps or touches a time, with its number, the latest first."""
        number = bisect_right(self._begins, end) - 1
        while number >= 0 and self._ends[number] >= begin:
            _, until, item = self._items[number]
            if until >= begin:
                yield number, item
            number -= 1
